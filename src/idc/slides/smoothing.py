"""What smoothing over neighbouring patches would do to a run's metrics; it is never applied."""

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
from idc.slides.smoothing_words import effect_sentences

__all__ = ["CANDIDATES", "Effect", "Smoother", "effect_of_smoothing", "make_smoothers"]

NONE = Smoother("none")
METRICS = ("auroc", "average_precision", "log_loss", "f1", "recall", "specificity")
TESTED = ("log_loss", "recall")  # those whose difference to no smoothing has an interval
SMALL = 3  # patches of a labelled region that counts as small
Choose = Callable[[NDArray[np.int64], NDArray[np.float64]], float]


@dataclass(frozen=True, eq=False)
class Effect:
    """What smoothing would change.

    Attributes:
        table: See `effect_of_smoothing`.
        chosen: The candidate with the lowest validation log loss.
        better: Whether that is lower than without smoothing.
        patients: Patients of the validation split.
        sentences: What it would change, that it is not applied, and what to doubt of it.
    """

    table: pd.DataFrame
    chosen: Smoother
    better: bool
    patients: int
    sentences: tuple[str, ...]

    @property
    def thresholds(self) -> tuple[float, float]:
        """Of no smoothing and of the chosen smoother; NaN where none could be chosen."""
        chosen = self.table.loc[self.table["chosen"], "threshold"].iloc[0]
        return float(self.table["threshold"].iloc[0]), float(chosen)


@dataclass(frozen=True, eq=False)
class _Split:
    """A split, and the patches of it whose label is known; the others vote, but are not judged."""

    frame: pd.DataFrame
    judged: NDArray[np.bool_]
    labels: NDArray[np.int64]
    clusters: Clusters
    neighbours: Neighbours


@dataclass(frozen=True, eq=False)
class _Outcome:
    """A smoother in a split."""

    numbers: dict[str, float]
    spread: dict[str, Spread]
    called: NDArray[np.bool_]


def effect_of_smoothing(
    val: pd.DataFrame,
    test: pd.DataFrame | None,
    patch_size: int,
    choose_threshold: Choose,
    candidates: Sequence[Smoother] = CANDIDATES,
    positive: str = "IDC",
    draws: int = 2000,
    level: float = 0.95,
    seed: int = 0,
) -> Effect:
    """Measure candidates on validation, beside no smoothing; nothing is applied.

    The best is the candidate with the lowest validation log loss, which needs no threshold and
    punishes false certainty, to which neighbours that agree lead. Its test metrics are for the
    record only: they choose nothing.

    Choosing on validation can flatter, and not only because the best of many is taken on the data
    that it is judged on. Labels are regions that a person drew round, so that neighbours share
    their label by the way of labelling; smoothing wins by following the drawn borders, whether or
    not the tissue is so even. And it wipes out what is small: see ``small_wiped_out``.

    Args:
        val: Predictions of the validation split: ``patient``, ``x``, ``y``, ``label``, ``score``
            and what the candidates need, see `Smoother.apply`. Patches of a negative label vote,
            but are not judged.
        test: The same of the test split, or None.
        patch_size: Split of a patch in slide pixels.
        choose_threshold: The run's own rule: labels int64 (N,) and scores float64 (N,) of the
            validation split to a threshold. Asked anew for each candidate; one that it cannot do
            (it raises a DataError) has no metrics at a threshold.
        candidates: At least one.
        positive: Name of class 1, for the sentences.
        draws: Number of bootstrap draws.
        level: Of the intervals, in (0, 1).
        seed: Fixes the draws.

    Returns:
        The effect; its table has a row for ``none`` and one a candidate: ``smoother``,
        ``strength``, ``threshold``, ``chosen`` (bool); ``val/`` and ``test/`` (only of ``none`` and
        the chosen one, else NaN) of ``auroc``, ``average_precision``, ``log_loss``, ``f1``,
        ``recall``, ``specificity``, ``small_regions`` (labelled regions of 1 to 3 patches, corners
        included), ``small_found`` (with a patch that is called), ``small_wiped_out`` (found without
        smoothing, and no more), ``small_won`` (the reverse), ``missed`` (positive patches that
        smoothing would lose) and ``regained``; ``difference``, ``low``, ``high``: the validation
        log loss minus that of ``none``, below 0 for better, with its bootstrap interval over whole
        patients, thresholds and strength held fixed; ``recall_difference``, ``recall_low``,
        ``recall_high``: the same of the recall. What is undefined is NaN, the intervals of a
        single patient too.

    Raises:
        DataError: There is no patch with a label, see also `Smoother.apply`.
    """
    split = _split(val, patch_size)
    rows, base = [], _outcome(split, NONE, None, patch_size, choose_threshold, draws, seed)
    for smoother in (NONE, *candidates):
        found = _outcome(split, smoother, None, patch_size, choose_threshold, draws, seed)
        rows.append(
            {
                "smoother": smoother.kind,
                "strength": float(smoother.strength),
                "threshold": found.numbers["threshold"],
                **_judged("val", split, found, base),
                **_differences(found, base, level),
            }
        )
    table = pd.DataFrame(rows)
    best = 1 + int(np.argmin(table["val/log_loss"].to_numpy()[1:]))
    chosen = candidates[best - 1]
    table.insert(3, "chosen", np.arange(len(table)) == best)
    if test is not None:
        table = _with_test(table, _split(test, patch_size), chosen, patch_size)
    better = bool(table["val/log_loss"][best] < table["val/log_loss"][0])
    few = int(split.clusters.count)
    return Effect(table, chosen, better, few, effect_sentences(table, few, positive, level, SMALL))


def _split(frame: pd.DataFrame, patch_size: int) -> _Split:
    label = frame["label"].to_numpy(np.int64)
    judged = label >= 0
    if not judged.any():
        raise DataError("smoothing: no patch has a label; there is nothing to measure.")
    codes, names = pd.factorize(frame["patient"].astype(str)[judged])
    # No class must be drawn: else the one patient of few that has it would be in every draw.
    free = np.zeros((len(names), 0), bool)
    clusters = Clusters(codes.astype(np.int64), len(names), free)
    return _Split(frame, judged, label, clusters, find_neighbours(frame, patch_size))


def _outcome(
    split: _Split,
    smoother: Smoother,
    threshold: float | None,
    patch_size: int,
    choose: Choose | None,
    draws: int,
    seed: int,
) -> _Outcome:
    """Scores, threshold and metrics; a threshold of None is chosen."""
    every = smoother.apply(split.frame, patch_size)
    score, label = every[split.judged], split.labels[split.judged]
    if threshold is None and choose is not None:
        try:
            threshold = float(choose(label, score))
        except DataError:
            threshold = np.nan
    cut = np.nan if threshold is None else threshold
    called = every >= cut
    prediction = Prediction(score, {"": called[split.judged].astype(np.int64)})
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


def _judged(name: str, split: _Split, found: _Outcome, base: _Outcome) -> dict[str, float]:
    """Metrics, and what becomes of the positive patches and of their small regions."""
    real = split.labels == 1
    region, regions = connected_regions(real, split.neighbours)
    small = np.bincount(region[real], minlength=regions) <= SMALL
    hit, before = (
        np.bincount(region[real], x.called[real], regions)[small] > 0 for x in (found, base)
    )
    counts = {
        "small_regions": small.sum(),
        "small_found": hit.sum(),
        "small_wiped_out": (before & ~hit).sum(),
        "small_won": (hit & ~before).sum(),
        "missed": (real & base.called & ~found.called).sum(),
        "regained": (real & ~base.called & found.called).sum(),
    }
    unknown = not np.isfinite(found.numbers["threshold"] + base.numbers["threshold"])
    numbers = {key: found.numbers[key] for key in METRICS}
    numbers |= {key: np.nan if unknown else float(value) for key, value in counts.items()}
    numbers["small_regions"] = float(small.sum())
    return {f"{name}/{key}": value for key, value in numbers.items()}


def _differences(found: _Outcome, base: _Outcome, level: float) -> dict[str, float]:
    numbers: dict[str, float] = {}
    for metric, start in zip(TESTED, ("", "recall_"), strict=True):
        bounds = (np.nan, np.nan)
        if metric in found.spread and np.isfinite(found.numbers[metric]):
            spread = found.spread[metric] - base.spread[metric]
            bounds = spread.interval(level) if spread.defined else bounds
        numbers[f"{start}difference"] = found.numbers[metric] - base.numbers[metric]
        numbers[f"{start}low"], numbers[f"{start}high"] = bounds
    return numbers


def _with_test(
    table: pd.DataFrame, split: _Split, chosen: Smoother, patch_size: int
) -> pd.DataFrame:
    at = [0, int(np.flatnonzero(table["chosen"])[0])]
    cuts = table["threshold"].to_numpy()[at]
    found = [
        _outcome(split, smoother, float(cut), patch_size, None, 0, 0)
        for smoother, cut in zip((NONE, chosen), cuts, strict=True)
    ]
    rows = [_judged("test", split, outcome, found[0]) for outcome in found]
    return table.join(pd.DataFrame(rows, index=at))
