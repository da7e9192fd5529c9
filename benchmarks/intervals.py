"""How long bootstrap intervals take, against a loop that calls scikit-learn on each resample.

python benchmarks/intervals.py [--quick]

2,000 draws (``--quick``: 400) over 60,000 predictions of two classes: whole patients (100 of them,
and 277,524 predictions of 279), patches, and a paired comparison of two contestants. The baseline
takes the same metrics of resampled rows with scikit-learn, a few draws of it; both are told in
milliseconds a draw. One thread. Memory is what is allocated on top of the predictions.
"""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before NumPy is imported

import tracemalloc
from functools import partial

import numpy as np
from common import FULL, PATIENTS, arguments, median_time, tell, timed
from numpy.typing import NDArray
from scipy.special import expit
from sklearn import metrics as sk

from idc.metrics.bootstrap import bootstrap, compare_paired
from idc.metrics.calibration_error import calibration_metrics
from idc.metrics.statistics import Prediction

Arrays = tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.str_]]
MEMORY_LIMIT = 500  # MiB
LIMIT = 10.0  # seconds
SIZES = {"patients": (60_000, 100), "full": (FULL, PATIENTS), "patches": (60_000, 5)}


def main() -> None:
    quick = arguments(__doc__).quick
    draws, naive_draws, repeats = (400, 2, 1) if quick else (2_000, 5, 3)
    for name, (patches, patients) in SIZES.items():
        data = predictions(patches, patients)
        naive = timed(partial(loop, data, naive_draws)) / naive_draws
        seconds = median_time(partial(ours, data, draws), repeats)
        compared(f"intervals_{name}", seconds, draws, naive, f"{patches:,} of {patients} patients")
        if not quick:
            tell(f"intervals_{name}_time", seconds / LIMIT, f"{seconds:.1f} s", f"{LIMIT:.0f} s")
        tracemalloc.start()
        ours(data, draws)
        peak = tracemalloc.get_traced_memory()[1] / 2**20
        tracemalloc.stop()
        tell(f"intervals_{name}_memory", peak / MEMORY_LIMIT, f"peak {peak:.0f} MiB", "500 MiB")
    labels, scores, groups = data = predictions(*SIZES["patients"])
    rivals = (scores, predictions(*SIZES["patients"], seed=1)[1])
    contestants = {str(i): [Prediction(s, decisions(s))] for i, s in enumerate(rivals)}
    metrics = contestants["0"][0].metrics
    naive = timed(partial(loop, data, naive_draws)) / naive_draws * len(rivals)
    work = partial(compare_paired, labels, groups, contestants, metrics, draws)
    compared("intervals_paired", median_time(work, repeats), draws, naive, "two contestants")


def compared(name: str, seconds: float, draws: int, naive: float, what: str) -> None:
    """Tell a time against the loop's."""
    each = seconds / draws
    told = f"{each * 1e3:.2f} ms a draw, {what}, {draws:,} draws in {seconds:.1f} s,"
    tell(name, naive / each, told, f"scikit-learn's {naive * 1e3:.0f} ms a draw")


def ours(data: Arrays, draws: int) -> None:
    """Intervals of all metrics."""
    labels, scores, groups = data
    bootstrap(labels, Prediction(scores, decisions(scores)), groups, draws)


def predictions(patches: int, patients: int, seed: int = 0) -> Arrays:
    """Labels, scores and patients."""
    rng = np.random.default_rng(seed)
    group = np.random.default_rng(0).integers(0, patients, patches)
    labels = (np.random.default_rng(1).random(patches) < 0.28).astype(np.int64)
    shift = rng.normal(0, 0.7, patients)[group]
    scores = expit(2 * labels - 1 + shift + rng.normal(size=patches))
    return labels, scores, group.astype(str)


def decisions(scores: NDArray[np.float64]) -> dict[str, NDArray[np.int64]]:
    """At a chosen threshold and at 0.5."""
    return {"": (scores >= 0.4).astype(np.int64), "_at_0.5": (scores >= 0.5).astype(np.int64)}


def loop(data: Arrays, draws: int) -> None:
    """The plain way: gather the rows of the drawn patients, call scikit-learn."""
    labels, scores, groups = data
    rng = np.random.default_rng(0)
    names, codes = np.unique(groups, return_inverse=True)
    rows_of = [np.flatnonzero(codes == i) for i in range(len(names))]
    for _ in range(draws):
        rows = np.concatenate([rows_of[i] for i in rng.integers(0, len(names), len(names))])
        y, s = labels[rows], scores[rows]
        for called in decisions(s).values():
            sk.accuracy_score(y, called)
            sk.balanced_accuracy_score(y, called)
            sk.precision_score(y, called)
            sk.recall_score(y, called)
            sk.recall_score(y, called, pos_label=0)
            sk.f1_score(y, called)
        sk.roc_auc_score(y, s)
        sk.average_precision_score(y, s)
        calibration_metrics(y, np.stack([1 - s, s], axis=1))


if __name__ == "__main__":
    main()
