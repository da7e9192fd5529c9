"""How long it takes to index, audit and pack a folder of PNGs, against reading each file once.

python benchmarks/prepare.py [--quick]

277,524 generated PNGs (``--quick``: 20,000), read before so that all come from the page cache. The
baseline calls ``cv2.imread`` for every file, in one process; a second line says what that takes in
two processes, the cores that packing has.
"""

import shutil
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import cv2
from common import FULL, arguments, median_time, png_folder, scratch, tell, timed
from memory import peak_memory

from idc.config.schema.data import Limits
from idc.config.schema.option import defaults
from idc.data.sources.idc import IdcSource
from idc.data.store.store import build_store
from idc.runtime.progress import progress_bar

WORKERS = 2
MEMORY_LIMIT = 1024  # MiB


def main() -> None:
    if "--child" in sys.argv:
        pack(Path(sys.argv[-1]))
        return
    quick = arguments(__doc__).quick
    count, repeats = (20_000, 1) if quick else (FULL, 3)
    root = png_folder(count)
    paths = [str(root / path) for path in IdcSource(root).scan().index["path"]]
    halves = [paths[i::WORKERS] for i in range(WORKERS)]
    read_all(paths)
    baseline = median_time(lambda: read_all(paths), repeats)
    with ProcessPoolExecutor(WORKERS) as pool:
        both = median_time(lambda: list(pool.map(read_all, halves)), repeats)
    with peak_memory() as peak:  # in a process of its own, as the app is
        command = [sys.executable, __file__, "--child", str(root)]
        ours = median_time(lambda: subprocess.run(command, check=True), repeats)
    ours -= timed(lambda: subprocess.run([*command[:-1], ""], check=True))  # its imports
    what = f"index, audit and pack {count:,} PNGs, {ours:.1f} s"
    tell("prepare", ours / baseline, what, f"cv2.imread of each, one process, {baseline:.1f} s")
    tell("prepare_two", ours / both, what, f"cv2.imread of each, two processes, {both:.1f} s")
    tell("prepare_memory", peak.mib / MEMORY_LIMIT, f"peak {peak.mib:,.0f} MiB", "1 GiB")


def pack(root: Path) -> None:
    """Pack from nothing; an empty path does nothing."""
    if str(root) == ".":
        return
    stores = scratch() / "stores-prepare"
    shutil.rmtree(stores, ignore_errors=True)
    build_store(IdcSource(root), stores, defaults(Limits), WORKERS, progress_bar)


def read_all(paths: list[str]) -> None:
    """Read every file once."""
    for path in paths:
        cv2.imread(path)


if __name__ == "__main__":
    main()
