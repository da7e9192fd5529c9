"""Whether time and memory grow with the set as they should: time in proportion, memory hardly.

python benchmarks/growth.py [--quick]

The same folder's first 1/16, first quarter and all of it (``--quick``: of 15,920 PNGs). Time is
told per patch, of the larger set against the smallest: 1.00 is linear.
"""

import json
import shutil
import statistics
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from common import EACH, FULL, PATIENTS, arguments, png_folder, scratch, tell, timed
from memory import peak_memory

from idc.config.schema.data import Limits
from idc.config.schema.option import defaults
from idc.data.datamodule import PatchDataModule
from idc.data.sources.idc import IdcSource
from idc.data.store.store import Stored, build_store, open_current
from idc.runtime.progress import progress_bar

WORKERS, BATCH = 2, 256
FACTORS = (1, 4, 16)
NAMES = ("index and pack", "epoch", "memory to pack", "memory of an epoch")


def main() -> None:
    if "--child" in sys.argv:
        print(json.dumps(measure(Path(sys.argv[3]), watch=sys.argv[2] == "watch")))
        return
    quick = arguments(__doc__).quick
    patients = 16 if quick else PATIENTS - PATIENTS % 16
    whole = png_folder(patients * EACH if quick else FULL)
    roots = {factor: part(whole, patients * factor // 16) for factor in FACTORS}
    if not quick:
        child(roots[16], "time")  # the files come to the cache
    medians = {}
    for factor, root in roots.items():
        watched = child(root, "watch")
        taken = [watched] if quick else [child(root, "time") for _ in range(3)]
        times = [statistics.median(column) for column in zip(*taken, strict=True)][:2]
        medians[factor] = [*times, *watched[2:]]
    for factor in FACTORS[1:]:
        for name, this, one in zip(NAMES, medians[factor], medians[1], strict=True):
            unit = "MiB" if "memory" in name else "us a patch"
            key = f"growth_{name.replace(' ', '_')}_{factor}x"
            tell(key, this / one, f"{name}, {this:,.1f} {unit}", f"1x, {one:,.1f} {unit}")


def child(root: Path, how: str) -> list[float]:
    """`measure` in a process of its own."""
    command = [sys.executable, __file__, "--child", how, str(root)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return [float(figure) for figure in json.loads(done.stdout.splitlines()[-1])]


def part(whole: Path, patients: int) -> Path:
    """A folder that links to the first patients' folders."""
    root = scratch() / "growth" / f"{whole.name}-{patients}"
    root.mkdir(parents=True, exist_ok=True)
    for folder in sorted(path for path in whole.iterdir() if path.is_dir())[:patients]:
        if not (root / folder.name).exists():
            (root / folder.name).symlink_to(folder)
    return root


def measure(root: Path, watch: bool) -> tuple[float, float, float, float]:
    """Microseconds a patch to pack and for an epoch; the memory of each in MiB, if watched."""
    source, stores = IdcSource(root), scratch() / "stores-growth"
    shutil.rmtree(stores, ignore_errors=True)
    with peak_memory(watch) as packing:
        took = timed(lambda: build_store(source, stores, defaults(Limits), WORKERS, progress_bar))
    stored = open_current(source, stores, defaults(Limits))
    assert stored is not None
    with peak_memory(watch) as feeding:
        loader = make_loader(stored, source.class_names)
        epoch(loader)  # workers start
        fed = statistics.median(timed(lambda: epoch(loader)) for _ in range(5))
    count = len(stored.index)
    return took / count * 1e6, fed / count * 1e6, packing.mib, feeding.mib


def make_loader(stored: Stored, class_names: tuple[str, ...]) -> Iterable[object]:
    """The app's training loader, without augmentation."""
    index = stored.index.assign(split="train")
    data = PatchDataModule(
        stored.patches, index, class_names, batch_size=BATCH, num_workers=WORKERS
    )
    return data.train_dataloader()


def epoch(loader: Iterable[object]) -> None:
    """Every batch once."""
    for _ in loader:
        pass


if __name__ == "__main__":
    main()
