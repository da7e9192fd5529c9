"""What the page of a run, its model card and the page of a sweep are made from."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from idc.data.sources.card import DataCard
from idc.text import value_words

PREDICTIONS = ("path", "patient", "label", "split", "row", "predicted", "score", "loss")
COUNTS = ("split", "class", "patches", "patients")
Interval = tuple[float, float]


def nothing() -> pd.DataFrame:
    """A table that holds nothing: what was not worked out."""
    return pd.DataFrame()


@dataclass(frozen=True)
class RunReport:
    """A run, told to its end.

    Tables may lack columns and be empty: what is not there is not shown.

    Attributes:
        name: The run's name.
        kind: ``train``; ``evaluate``, a trained model on other data; ``ensemble``, several models
            as one.
        config: The resolved configuration, nested, with ``choices``; of the training run.
        class_names: A name a class, in the order of the labels; with two, the second is positive.
        patch_size: Side of a patch, in pixels.
        counts: ``split``, ``class``, ``patches``, ``patients``; see `idc.data.split.split_counts`.
        metrics: As they are logged: ``test/f1``, ``test/f1_ci_low``, ``test/f1_at_0.5``,
            ``val/threshold``, ``baseline/<name>/auroc`` and so on.
        threshold: ``score >= threshold`` is positive; None for k > 2.
        predictions: One row per patch of validation and test: ``path``, ``patient``, ``label``,
            ``split``, ``row``, ``predicted``, ``score``, ``loss``, and what else there is (``x``
            and ``y``, ``checks``).
        figures: The run's folder, with ``data/``, ``training/``, ``evaluation/``, ``explain/``.
        threshold_words: How the threshold was chosen: ``the highest threshold whose validation
            recall is at least 0.95``.
        calibration_words: How scores were calibrated, in a sentence.
        interval_words: What the intervals are: ``95 % bootstrap over 17 patients``.
        test_data_words: What was tested on: ``the test split``.
        card: What is published about the data set that was trained on.
        drawn: Whether a program drew the images that were tested.
        notes: Sentences that the numbers must not be read without.
        leaky: Whether the model may have seen patients of the test split.
        leaks: How, in sentences.
        patches: uint8 (N, P, P, 3), RGB, which ``row`` indexes, maybe on disk; None where they
            are not at hand.
        per_patient: A row a test patient: ``patient``, ``patches``, ``tp fp fn tn``, ``recall``,
            ``specificity``, ``precision``, ``f1``, ``auroc``, ``fraction_true``,
            ``fraction_predicted``.
        slices: A row a part of the test split: ``slice``, ``value``, ``patches``, ``patients``,
            ``recall``, ``specificity``, ``error_rate``, ``<metric>_low``, ``<metric>_high``,
            ``worse`` (bool).
        baselines: A row a baseline: ``baseline``, ``auroc``, ``f1``, ``recall`` and so on.
        patients: Patients of each split, where they are known (`counts` has them a class only).
        cost: ``train_seconds``, ``evaluate_seconds``, ``energy_kwh`` (or None), ``energy_words``,
            ``hardware``.
        versions: Library to version.
        commit: Of the code.
        run_id: MLflow's, or "".
        model_uri: Where the model is registered, such as ``models:/idc/3``; "" for the run's own.
        methods: How far each attribution method can be trusted, best first; see
            `idc.attribution.faithfulness.result.Faithfulness`.
        explained: What to make of the explanations, by part: ``methods``, ``features``,
            ``slides``, ``smoothing``.
        date: When it was made.
        license: Of the weights, as Hugging Face names it; "" where it is not given.
        citation: How to cite it; "" where it is not given.
        contact: Whom to ask; "" where it is not given.

    Raises:
        ValueError: A table lacks a column that no page can do without, a label has no class name,
            or a row has no patch.
    """

    name: str
    kind: Literal["train", "evaluate", "ensemble"]
    config: Mapping[str, Any]
    class_names: Sequence[str]
    patch_size: int
    counts: pd.DataFrame
    metrics: Mapping[str, float]
    threshold: float | None
    predictions: pd.DataFrame = field(repr=False)
    figures: Path
    threshold_words: str = ""
    calibration_words: str = ""
    interval_words: str = ""
    test_data_words: str = ""
    card: DataCard = field(default_factory=lambda: DataCard("unnamed data"))
    drawn: bool = False
    notes: Sequence[str] = ()
    leaky: bool = False
    leaks: Sequence[str] = ()
    patches: NDArray[np.uint8] | None = field(default=None, repr=False)
    per_patient: pd.DataFrame = field(default_factory=nothing, repr=False)
    slices: pd.DataFrame = field(default_factory=nothing, repr=False)
    baselines: pd.DataFrame = field(default_factory=nothing, repr=False)
    patients: Mapping[str, int] = field(default_factory=dict)
    cost: Mapping[str, Any] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    commit: str = ""
    run_id: str = ""
    model_uri: str = ""
    methods: pd.DataFrame = field(default_factory=nothing, repr=False)
    explained: Mapping[str, Sequence[str]] = field(default_factory=dict)
    date: str = ""
    license: str = ""
    citation: str = ""
    contact: str = ""

    def __post_init__(self) -> None:
        for table, wanted in ((self.predictions, PREDICTIONS), (self.counts, COUNTS)):
            if lacking := sorted(set(wanted) - set(table.columns)):
                raise ValueError(f"a table of the run's report lacks {', '.join(lacking)}")
        rows = self.predictions
        if len(rows) and not rows["label"].between(0, len(self.class_names) - 1).all():
            raise ValueError(f"a label is not in 0..{len(self.class_names) - 1}")
        if self.patches is not None and len(rows) and rows["row"].max() >= len(self.patches):
            raise ValueError(f"row {rows['row'].max()} of {len(self.patches)} patches")

    @property
    def test(self) -> pd.DataFrame:
        """The predictions of the test split."""
        return self.predictions[self.predictions["split"] == "test"]

    @property
    def two_classes(self) -> bool:
        """Whether there is a positive class."""
        return len(self.class_names) == 2

    @property
    def positive(self) -> str:
        """The name of the positive class, of two."""
        return str(self.class_names[1])

    @property
    def negative(self) -> str:
        """The name of the negative class, of two."""
        return str(self.class_names[0])

    def value(self, name: str) -> float | None:
        """A metric; None where it is not there or not a number."""
        found = self.metrics.get(name)
        return None if found is None or not math.isfinite(found) else float(found)

    def interval(self, name: str) -> Interval | None:
        """The interval of a metric, or None."""
        low, high = self.value(f"{name}_ci_low"), self.value(f"{name}_ci_high")
        return None if low is None or high is None else (low, high)

    def setting(self, place: str) -> Any:
        """A value of the configuration by its dotted name, or None."""
        node: Any = self.config
        for key in place.split("."):
            if not isinstance(node, Mapping) or key not in node:
                return None
            node = node[key]
        return node


@dataclass(frozen=True)
class SweepReport:
    """A sweep, or any runs that were compared.

    Tables may lack columns and be empty: what is not there is not shown.

    Attributes:
        name: The sweep's name.
        command: What was typed.
        leaderboard: A row a setting, best first: ``setting``, ``runs``, ``<metric>_mean``,
            ``<metric>_std``, ``<metric>_low``, ``<metric>_high`` of each metric, ``kind`` (run or
            baseline), ``leaky`` (bool). The first metric made the order.
        figures: The folder of the comparison's figures, or the one that holds ``comparison/``.
        sentences: What can be told apart and what cannot, and why.
        differences: A row a pair: ``a``, ``b``, ``metric``, ``difference``, ``low``, ``high``,
            ``p_holm``, ``apart`` (bool: can be told apart) and ``patients`` (int).
        pooled: ``setting``, ``repeat``, ``metric``, ``value``, ``low``, ``high``: over all folds.
        fold_table: A row a fold; shown as it is.
        per_patient: Setting to its table; see `RunReport`.
        failed: Name and error of each run that did not finish.
        runs: Name, id and status of each run.
        methods: How far each attribution method can be trusted for each setting; see
            `idc.comparison.attribution_verdicts.trust_table`.
        explained: The same in words.
        notes: Sentences that the numbers must not be read without.
        date: When it was made.

    Raises:
        ValueError: The leaderboard lacks ``setting`` or ``runs``.
    """

    name: str
    command: str
    leaderboard: pd.DataFrame
    figures: Path
    sentences: Sequence[str] = ()
    differences: pd.DataFrame = field(default_factory=nothing, repr=False)
    pooled: pd.DataFrame = field(default_factory=nothing, repr=False)
    fold_table: pd.DataFrame = field(default_factory=nothing, repr=False)
    per_patient: Mapping[str, pd.DataFrame] = field(default_factory=dict, repr=False)
    failed: Sequence[tuple[str, str]] = ()
    runs: Sequence[tuple[str, str, str]] = ()
    methods: pd.DataFrame = field(default_factory=nothing, repr=False)
    explained: Sequence[str] = ()
    notes: Sequence[str] = ()
    date: str = ""

    def __post_init__(self) -> None:
        if len(self.leaderboard) and not {"setting", "runs"} <= set(self.leaderboard.columns):
            raise ValueError("the leaderboard of a sweep's report lacks setting or runs")

    @property
    def has_folds(self) -> bool:
        """Whether settings were cross-validated."""
        return len(self.fold_table) > 0

    @property
    def value_words(self) -> str:
        """What a setting's value is: only what was done."""
        repeats = "repeat" in self.pooled and self.pooled["repeat"].astype(bool).any()
        return value_words(self.has_folds, bool(repeats))

    @property
    def metrics(self) -> list[str]:
        """The leaderboard's metrics, in order; the first made the order."""
        ends = [str(c) for c in self.leaderboard.columns if str(c).endswith("_mean")]
        return [name.removesuffix("_mean") for name in ends]
