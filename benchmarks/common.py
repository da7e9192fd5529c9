"""What the benchmarks share: folders of generated PNGs, medians, the line a figure is told in.

The full set (277,524 PNGs, the size of the Kaggle set) takes some minutes to draw and 2 GB; it is
kept in ``IDC_BENCH`` (default: ``idc-bench`` in the system's folder for temporary files) and used
again.
"""

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import cv2

from idc.data.sources.synthetic import SyntheticSource

FULL, PATIENTS = 277_524, 279
EACH = -(-FULL // PATIENTS)


def arguments(doc: str | None) -> argparse.Namespace:
    """The command line that all benchmarks have."""
    parser = argparse.ArgumentParser(
        description=doc, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="smaller sizes: under 50 s on 2 cores")
    return parser.parse_args()


def tell(name: str, ratio: float, this: str, against: str) -> None:
    """Print a figure."""
    print(f"{name} ratio={ratio:.2f} ({this} against {against})", flush=True)


def timed(work: Callable[[], object]) -> float:
    """Seconds that a piece of work takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def median_time(work: Callable[[], object], repeats: int) -> float:
    """The median of several runs, in seconds."""
    return statistics.median(timed(work) for _ in range(repeats))


def scratch() -> Path:
    """The folder for what benchmarks draw and pack."""
    return Path(os.environ.get("IDC_BENCH", Path(tempfile.gettempdir()) / "idc-bench"))


def png_folder(count: int) -> Path:
    """A folder with that many generated PNGs in the Kaggle layout, drawn if it is not there yet."""
    root = scratch() / f"png-{count}"
    done = root.with_suffix(".done")
    if not done.exists():
        with ProcessPoolExecutor(os.cpu_count()) as pool:
            list(pool.map(_draw, range(PATIENTS), [count] * PATIENTS, [root] * PATIENTS))
        done.touch()
    return root


def _draw(number: int, count: int, root: Path) -> None:
    """Draw a patient: a set of `count` has as many whole patients as it takes."""
    cv2.setNumThreads(1)
    wanted = min(EACH, count - number * EACH)
    if wanted <= 0:
        return
    source = SyntheticSource(PATIENTS, EACH)
    index = source.scan().index
    mine = index[index["patient"] == str(9001 + number)]
    # Both classes early in each patient, however small the set.
    mine = mine.sample(frac=1, random_state=number).head(wanted).sort_index()
    for path, patch in zip(mine["path"], source.read(mine).patches, strict=True):
        target = root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(target), patch[:, :, ::-1])
