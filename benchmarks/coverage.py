"""How often the bootstrap's 95 % intervals hold the truth, and what each part of the method adds.

python benchmarks/coverage.py [--quick]

Patients with their own size, prevalence and shift of the scores are drawn from four populations.
The truth of each metric is its value over all patches of 20,000 of their patients. For each of
1,000 test splits (``--quick``: 150) of 2 to 40 patients, 1,000 draws; each column is the share of
intervals that hold the truth, in per cent, of the test splits that have one:

- ours: whole patients, tails expanded for the effective number of patients, with fewer than ten
  widened to Student's t
- number: whole patients, tails expanded for the number of patients
- plain: whole patients, percentiles not expanded
- strata: as ours, but drawn within the patients without positives, without negatives, with both
- patches: patches are drawn
"""

from collections import Counter

import numpy as np
from common import arguments
from numpy.typing import NDArray
from scipy.special import expit

from idc.metrics.resampling import Clusters, patient_clusters
from idc.metrics.spread import Spread, expanded_tail, resample_metrics
from idc.metrics.statistics import ClusterStatistics, Prediction

LEVEL = 0.95
DRAWS = 1_000
SHOWN = ("recall", "specificity", "precision", "f1", "auroc", "average_precision", "brier", "ece")
# Standard deviation of the shift, distance of the classes, share of patients of one class only.
POPULATIONS = {
    "alike": (0.6, 2.0, 0.0),
    "apart": (1.05, 2.0, 0.0),
    "some healthy": (0.6, 2.0, 0.4),
    "nearly perfect": (0.6, 5.0, 0.0),
}
METHODS = ("ours", "number", "plain", "strata", "patches")


class Stratified(Clusters):
    """Patients drawn within those that have the same classes."""

    def _draw(self, draws: int, rng: np.random.Generator) -> NDArray[np.float64]:
        weights = np.empty((draws, self.count))
        kinds, kind = np.unique(self.holds, axis=0, return_inverse=True)
        for k in range(len(kinds)):
            members = np.flatnonzero(kind == k)
            picks = rng.integers(0, len(members), (draws, len(members)))
            times = [np.bincount(row, minlength=len(members)) for row in picks]
            weights[:, members] = np.stack(times)
        return weights


def main() -> None:
    sides = 150 if arguments(__doc__).quick else 1_000
    for number, (name, population) in enumerate(POPULATIONS.items()):
        rng = np.random.default_rng(number)
        labels, scores, _ = sample(rng, 20_000, population)
        everyone = statistics(labels, scores, np.zeros(len(labels), np.int64), 1)
        truth = {k: float(v[0]) for k, v in everyone.values(np.ones((1, 1))).items()}
        for patients in (2, 3, 5, 15, 40):
            held: Counter[tuple[str, str]] = Counter()
            known: Counter[tuple[str, str]] = Counter()
            for seed in range(sides):
                labels, scores, groups = sample(rng, patients, population)
                for method, bounds in intervals(labels, scores, groups, seed).items():
                    for metric in SHOWN:
                        low, high = bounds[metric]
                        known[metric, method] += bool(np.isfinite(low))
                        held[metric, method] += low <= truth[metric] <= high
            print(f"\n{name}, {patients} patients, {sides} test splits")
            print(f"{'metric':18} {'truth':>7} " + " ".join(f"{m:>8}" for m in METHODS))
            for metric in SHOWN:
                shares = [f"{100 * held[metric, m] / known[metric, m]:8.1f}" for m in METHODS]
                print(f"{metric:18} {truth[metric]:7.3f} " + " ".join(shares), flush=True)


def sample(
    rng: np.random.Generator, patients: int, population: tuple[float, float, float]
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.str_]]:
    """Labels, scores and patients of a test split that has both classes."""
    spread, distance, one_class = population
    while True:
        size = np.clip(rng.lognormal(3.6, 0.5, patients), 8, 150).astype(int)
        group = np.repeat(np.arange(patients), size)
        prevalence = rng.beta(2, 4, patients)
        pure = rng.random(patients) < one_class
        prevalence[pure] = rng.random(pure.sum()) < 0.1
        shift = rng.normal(0, spread, patients)
        labels = (rng.random(len(group)) < prevalence[group]).astype(np.int64)
        noise = rng.normal(0, 1.5, len(group))
        scores = expit(1.5 * distance * (labels - 0.5) + shift[group] + noise - 0.5)
        if labels.min() < labels.max():
            return labels, scores, group.astype(str)


def intervals(
    labels: NDArray[np.int64], scores: NDArray[np.float64], groups: NDArray[np.str_], seed: int
) -> dict[str, dict[str, tuple[float, float]]]:
    """Method to metric to bounds."""
    units = patient_clusters(labels, groups)
    by_patient = statistics(labels, scores, units.codes, units.count)
    drawn = resample_metrics(by_patient, units, DRAWS, seed)
    strata = Stratified(units.codes, units.count, units.holds)
    patches = patient_clusters(labels, np.arange(len(labels)))
    by_patch = statistics(labels, scores, patches.codes, patches.count)
    tails = {"number": expanded_tail(LEVEL, units.count), "plain": (1 - LEVEL) / 2}
    found = {
        "ours": _bounds(drawn),
        "strata": _bounds(resample_metrics(by_patient, strata, DRAWS, seed)),
        "patches": _bounds(resample_metrics(by_patch, patches, DRAWS, seed)),
    }
    for method, tail in tails.items():
        found[method] = {
            k: tuple(np.nanquantile(x.drawn, [tail, 1 - tail])) for k, x in drawn.items()
        }
    return found


def statistics(
    labels: NDArray[np.int64], scores: NDArray[np.float64], codes: NDArray[np.int64], units: int
) -> ClusterStatistics:
    """Decided at 0.5."""
    prediction = Prediction(scores, {"": (scores >= 0.5).astype(np.int64)})
    return ClusterStatistics(labels, prediction, codes, units, SHOWN)


def _bounds(found: dict[str, Spread]) -> dict[str, tuple[float, float]]:
    return {metric: spread.interval(LEVEL) for metric, spread in found.items()}


if __name__ == "__main__":
    main()
