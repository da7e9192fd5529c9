"""How long a user waits: for ``--help``, and for the first batch of a large set.

python benchmarks/startup.py [--quick]

The first batch is timed in a fresh process, imports and composed configuration not counted: open
the set, check it, split it, start the workers, get a batch. The store of 277,524 patches
(``--quick``: 15,920) stands against the app without a store, which lists the folder, reads and
checks its files, then trains from memory; and against two ways that list the folder and then read
what they need: the app's scan and split, and torchvision's ImageFolder, which knows no patients.
"""

import statistics
import subprocess
import sys
import time
from pathlib import Path

from common import EACH, FULL, arguments, png_folder, scratch, tell

COMMANDS = {
    "python -m idc.train --help": ["-m", "idc.train", "--help"],
    "import of hydra": ["-c", "import hydra, hydra.main"],
    "import of torch": ["-c", "import torch"],
}
BASELINES = {
    "scan": "a directory scan without a store",
    "lazy": "a directory scan, split, then the first batch's files",
    "folder": "ImageFolder",
}


def main() -> None:
    if len(sys.argv) == 4 and sys.argv[1] == "--child":
        print(first_batch(sys.argv[2], Path(sys.argv[3])))
        return
    quick = arguments(__doc__).quick
    help_time(3 if quick else 9)
    root = png_folder(16 * EACH if quick else FULL)
    child("store", root)  # packs it, if need be
    store = statistics.median(child("store", root) for _ in range(3))
    what = f"first batch from the store, {store:.2f} s"
    for name, words in BASELINES.items():
        seconds = child(name, root)
        tell(f"first_batch_{name}", seconds / store, what, f"{words}, {seconds:.2f} s")


def help_time(repeats: int) -> None:
    """``--help`` against the imports that it does not wait for."""
    taken: dict[str, list[float]] = {name: [] for name in COMMANDS}
    for _ in range(repeats):
        for name, command in COMMANDS.items():
            start = time.perf_counter()
            subprocess.run([sys.executable, *command], check=True, stdout=subprocess.DEVNULL)
            taken[name].append(time.perf_counter() - start)
    (what, ours), *baselines = ((name, statistics.median(v)) for name, v in taken.items())
    for name, median in baselines:
        tell(
            f"help_{name.split()[-1]}",
            ours / median,
            f"{what}, {ours:.2f} s",
            f"{name}, {median:.2f} s",
        )


def child(name: str, root: Path) -> float:
    """`first_batch` in a process of its own, in seconds."""
    command = [sys.executable, __file__, "--child", name, str(root)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return float(done.stdout.splitlines()[-1])


def first_batch(name: str, root: Path) -> float:
    """Seconds from a composed configuration to the first training batch."""
    from loader import folder_loader
    from training import configure, load_material

    from idc.pipelines.build import build_datamodule

    if name == "folder":
        start = time.perf_counter()
        next(iter(folder_loader(root, "light", 64)))
        return time.perf_counter() - start
    if name == "lazy":
        return lazy_batch(root)
    use = str(name == "store").lower()
    config = configure(
        scratch(), "data=idc", f"data.root={root}", f"store.use={use}", "loader.num_workers=2"
    )
    start = time.perf_counter()
    next(iter(build_datamodule(config, load_material(config)).train_dataloader()))
    return time.perf_counter() - start


def lazy_batch(root: Path) -> float:
    """Seconds to list the folder, split the patients and read one batch's files."""
    import numpy as np

    from idc.data.sources.idc import IdcSource
    from idc.data.split.patient import PatientSplit

    start = time.perf_counter()
    source = IdcSource(root)
    index = source.scan().index
    rows = np.flatnonzero(PatientSplit().assign(index) == "train")
    source.read(index.iloc[np.random.default_rng(0).choice(rows, 64)])
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
