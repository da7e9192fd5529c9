"""Effect of smoothing over neighbouring patches on a run's metrics; smoothing is never applied."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from idc.errors import DataError
from idc.metrics.resampling import Clusters
from idc.metrics.spread import Spread, resample_metrics
from idc.metrics.statistics import ClusterStatistics, Prediction
from idc.slides.patch_neighbours import Neighbours, connected_regions, find_neighbours
from idc.slides.smoothers import CANDIDATES, Smoother, make_smoothers

__all__ = ["CANDIDATES", "Effect", "Smoother", "effect_of_smoothing", "make_smoothers"]

NONE = Smoother("none")
METRICS = ("auroc", "average_precision", "log_loss", "f1", "recall", "specificity")
TESTED = ("log_loss", "recall")  # metrics whose difference from no smoothing has an interval
SMALL = 3  # largest number of patches of a small labelled region
Choose = Callable[[NDArray[np.int64], NDArray[np.float64]], float]


@dataclass(frozen=True, eq=False)
class Effect:
    """Effect of the candidates on validation, and of the best one on test.

    Attributes:
        table: See `effect_of_smoothing`.
        chosen: The candidate with the lowest validation log loss.
        better: Whether that is lower than without smoothing.
        patients: Number of patients of the validation split.
    """

    table: pd.DataFrame
    chosen: Smoother
    better: bool
    patients: int

    @property
    def thresholds(self) -> tuple[float, float]:
        """Thresholds without smoothing and of the chosen smoother; NaN if none could be chosen."""
        chosen = self.table.loc[self.table["chosen"], "threshold"].iloc[0]
        return float(self.table["threshold"].iloc[0]), float(chosen)


@dataclass(frozen=True, eq=False)
class _Split:
    """A split and its labelled patches; the others are smoothed over, but not evaluated."""

    frame: pd.DataFrame
    labelled: NDArray[np.bool_]
    labels: NDArray[np.int64]
    clusters: Clusters
    neighbours: Neighbours


@dataclass(frozen=True, eq=False)
class _Outcome:
    """Metrics of a smoother on a split."""

    numbers: dict[str, float]
    spread: dict[str, Spread]
    called: NDArray[np.bool_]


def effect_of_smoothing(
    val: pd.DataFrame,
    test: pd.DataFrame | None,
    patch_size: int,
    choose_threshold: Choose,
    candidates: Sequence[Smoother] = CANDIDATES,
    draws: int = 2000,
    level: float = 0.95,
    seed: int = 0,
) -> Effect:
    """Measure the effect of candidate smoothers on validation, compared with no smoothing.

    The candidate with the lowest validation log loss is chosen, as the log loss needs no threshold
    and penalises overconfidence, which agreeing neighbours cause. Its test metrics are reported,
    but choose nothing.

    The estimate is optimistic, and not only because the best of many is chosen on the data that it
    is evaluated on: labels are drawn regions, so that neighbours share their label by the way of
    labelling, and smoothing gains by following the drawn borders, whether or not the tissue is so
    uniform. And it removes small regions, see ``small_wiped_out``.

    Args:
        val: Predictions of the validation split: ``patient``, ``x``, ``y``, ``label``, ``score``
            and the columns that the candidates need, see `Smoother.apply`. Patches with a negative
            (unknown) label contribute to their neighbours, but are not evaluated.
        test: The same for the test split, or None.
        patch_size: Side of a patch in slide pixels.
        choose_threshold: The run's own rule: labels int64 (N,) and scores float64 (N,) of the
            validation split to a threshold. Called for each candidate; if it raises a DataError,
            the candidate has no metrics at a threshold.
        candidates: At least one smoother.
        draws: Number of bootstrap draws.
        level: Nominal coverage of the intervals, in (0, 1).
        seed: Seed of the draws.

    Returns:
        The effect; its table has one row for ``none`` and one per candidate: ``smoother``,
        ``strength``, ``threshold``, ``chosen`` (bool); ``val/`` and ``test/`` (only for ``none``
        and the chosen one, else NaN) of ``auroc``, ``average_precision``, ``log_loss``, ``f1``,
        ``recall``, ``specificity``, ``small_regions`` (labelled regions of 1 to 3 patches,
        connected at sides or corners), ``small_found`` (with a patch called positive),
        ``small_wiped_out`` (found only without smoothing), ``small_won`` (found only with
        smoothing), ``missed`` (positive patches found only without smoothing) and ``regained``
        (found only with smoothing); ``difference``, ``low``, ``high``: the validation
        log loss minus that of ``none``, below 0 for better, with its bootstrap interval over whole
        patients, with thresholds and strength fixed; ``recall_difference``, ``recall_low``,
        ``recall_high``: the same of the recall. What is undefined is NaN, the intervals of a
        single patient too.

    Raises:
        DataError: There is no patch with a label, see also `Smoother.apply`.
    """
    split = _split(val, patch_size)
    rows, base = [], _outcome(split, NONE, None, patch_size, choose_threshold, draws, seed)
    for smoother in (NONE, *candidates):
        outcome = _outcome(split, smoother, None, patch_size, choose_threshold, draws, seed)
        rows.append(
            {
                "smoother": smoother.kind,
                "strength": float(smoother.strength),
                "threshold": outcome.numbers["threshold"],
                **_evaluate("val", split, outcome, base),
                **_differences(outcome, base, level),
            }
        )
    table = pd.DataFrame(rows)
    best = 1 + int(np.argmin(table["val/log_loss"].to_numpy()[1:]))
    chosen = candidates[best - 1]
    table.insert(3, "chosen", np.arange(len(table)) == best)
    if test is not None:
        table = _with_test(table, _split(test, patch_size), chosen, patch_size)
    better = bool(table["val/log_loss"][best] < table["val/log_loss"][0])
    return Effect(table, chosen, better, split.clusters.count)


def _split(frame: pd.DataFrame, patch_size: int) -> _Split:
    label = frame["label"].to_numpy(np.int64)
    labelled = label >= 0
    if not labelled.any():
        raise DataError("smoothing: no patch has a label, so there is nothing to measure.")
    codes, names = pd.factorize(frame["patient"].astype(str)[labelled])
    # Draws need not contain both classes: else the only patient with one would be in every draw.
    no_classes = np.zeros((len(names), 0), bool)
    clusters = Clusters(codes.astype(np.int64), len(names), no_classes)
    return _Split(frame, labelled, label, clusters, find_neighbours(frame, patch_size))


def _outcome(
    split: _Split,
    smoother: Smoother,
    threshold: float | None,
    patch_size: int,
    choose: Choose | None,
    draws: int,
    seed: int,
) -> _Outcome:
    """Smooth the scores of a split and measure them; a threshold of None is chosen."""
    all_scores = smoother.apply(split.frame, patch_size)
    score, label = all_scores[split.labelled], split.labels[split.labelled]
    if threshold is None and choose is not None:
        try:
            threshold = float(choose(label, score))
        except DataError:
            threshold = np.nan
    cut = np.nan if threshold is None else threshold
    called = all_scores >= cut
    prediction = Prediction(score, {"": called[split.labelled].astype(np.int64)})
    clusters = split.clusters
    statistics = ClusterStatistics(label, prediction, clusters.codes, clusters.count, METRICS)
    values = statistics.values(np.ones((1, clusters.count)))
    numbers = {name: float(values[name][0]) for name in METRICS} | {"threshold": cut}
    if not np.isfinite(cut):
        numbers |= dict.fromkeys(("f1", "recall", "specificity"), np.nan)
    spread: dict[str, Spread] = {}
    if draws and clusters.count > 1:
        tested = ClusterStatistics(label, prediction, clusters.codes, clusters.count, TESTED)
        spread = resample_metrics(tested, clusters, draws, seed)
    return _Outcome(numbers, spread, called)


def _evaluate(name: str, split: _Split, outcome: _Outcome, base: _Outcome) -> dict[str, float]:
    """Metrics, and counts of the changes to positive patches and to their small regions."""
    positive = split.labels == 1
    region, regions = connected_regions(positive, split.neighbours)
    small = np.bincount(region[positive], minlength=regions) <= SMALL
    hit, before = (
        np.bincount(region[positive], x.called[positive], regions)[small] > 0
        for x in (outcome, base)
    )
    counts = {
        "small_regions": small.sum(),
        "small_found": hit.sum(),
        "small_wiped_out": (before & ~hit).sum(),
        "small_won": (hit & ~before).sum(),
        "missed": (positive & base.called & ~outcome.called).sum(),
        "regained": (positive & ~base.called & outcome.called).sum(),
    }
    unknown = not np.isfinite(outcome.numbers["threshold"] + base.numbers["threshold"])
    numbers = {key: outcome.numbers[key] for key in METRICS}
    numbers |= {key: np.nan if unknown else float(value) for key, value in counts.items()}
    numbers["small_regions"] = float(small.sum())
    return {f"{name}/{key}": value for key, value in numbers.items()}


def _differences(outcome: _Outcome, base: _Outcome, level: float) -> dict[str, float]:
    numbers: dict[str, float] = {}
    for metric, start in zip(TESTED, ("", "recall_"), strict=True):
        bounds = (np.nan, np.nan)
        if metric in outcome.spread and np.isfinite(outcome.numbers[metric]):
            spread = outcome.spread[metric] - base.spread[metric]
            bounds = spread.interval(level) if spread.defined else bounds
        numbers[f"{start}difference"] = outcome.numbers[metric] - base.numbers[metric]
        numbers[f"{start}low"], numbers[f"{start}high"] = bounds
    return numbers


def _with_test(
    table: pd.DataFrame, split: _Split, chosen: Smoother, patch_size: int
) -> pd.DataFrame:
    at = [0, int(np.flatnonzero(table["chosen"])[0])]
    cuts = table["threshold"].to_numpy()[at]
    outcomes = [
        _outcome(split, smoother, float(cut), patch_size, None, 0, 0)
        for smoother, cut in zip((NONE, chosen), cuts, strict=True)
    ]
    rows = [_evaluate("test", split, outcome, outcomes[0]) for outcome in outcomes]
    return table.join(pd.DataFrame(rows, index=at))
