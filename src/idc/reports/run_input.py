"""Input of the page of a run, of its model card and of the page of a sweep."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from idc.data.index import is_multi_label
from idc.data.sources.base import DataCard
from idc.text import value_label

Interval = tuple[float, float]


@dataclass(frozen=True)
class RunReport:
    """The results of a run.

    Tables may be empty or lack columns; what is missing is not shown.

    Attributes:
        name: The run's name.
        kind: ``train``; ``evaluate``, a trained model on other data; ``ensemble``, several models
            as one.
        config: The resolved configuration of the training run, nested, with ``choices``.
        class_names: One name per class, in the order of the labels; of two, the second is positive.
        patch_size: Side of a patch, in pixels.
        counts: ``split``, ``class``, ``patches``, ``patients``; see `idc.data.split.split_counts`.
        metrics: The logged metrics: ``test/f1``, ``test/f1_ci_low``, ``test/f1_at_0.5``,
            ``val/threshold``, ``baseline/<name>/auroc`` and so on.
        threshold: ``score >= threshold`` is positive; None for k > 2 and for several labels.
        predictions: One row per patch of validation and test: ``path``, ``patient``, ``label``,
            ``split``, ``row``, ``predicted``, ``score``, ``loss`` and, optionally, ``x`` and ``y``,
            ``checks``.
        patches: uint8 (N, P, P, 3), RGB, indexed by ``row``, possibly a memory map.
        figures: The run's folder, with ``data/``, ``training/``, ``evaluation/``, ``explain/``.
        threshold_words: How the threshold was chosen: ``the highest threshold whose validation
            recall is at least 0.95``.
        calibration_words: How scores were calibrated, as a sentence.
        interval_words: Kind of intervals: ``95 % bootstrap over 17 patients``.
        test_data_words: Name of the test data: ``the test split``.
        card: Published facts about the training data set.
        drawn: Whether the test images are synthetic.
        notes: Caveats about the metrics, as sentences.
        leaky: Whether the model may have seen patients of the test split.
        leaks: Description of the leaks, as sentences.
        per_patient: One row per patient: ``patient``, ``patches``, ``tp fp fn tn``, ``recall``,
            ``specificity``, ``precision``, ``f1``, ``auroc``, ``fraction_true``,
            ``fraction_predicted``.
        per_label: One row per class of more than two, or per label; see
            `idc.evaluation.per_label.per_label_table`.
        slices: One row per slice of the test set: ``slice``, ``value``, ``patches``, ``patients``,
            ``recall``, ``error_rate``, ``<metric>_ci_low``, ``<metric>_ci_high``, ``worse`` and
            ``misses_more`` (bool).
        smoothing: Metrics with and without smoothing over neighbours; see
            `idc.evaluation.smoothing_table.smoothing_table`.
        baselines: One row per baseline: ``baseline``, ``auroc``, ``f1``, ``recall`` and so on.
        patients: Number of patients of each split, if available (`counts` has them per class).
        cost: ``train_seconds``, ``evaluate_seconds``, ``energy_kwh`` (or None), ``energy_words``,
            ``hardware``.
        versions: Library to version.
        commit: Git commit of the code.
        run_id: Id of the MLflow run, or "".
        model_uri: URI of the registered model, such as ``models:/idc/3``; "" for the run's own.
        methods: Faithfulness of each attribution method, best first; see
            `idc.attribution.faithfulness.result.Faithfulness`.
        explained: Interpretation of the explanations, by part: ``methods``, ``features``,
            ``slides``.
        date: Date of the run.
    """

    name: str
    kind: Literal["train", "evaluate", "ensemble"]
    config: Mapping[str, Any]
    class_names: Sequence[str]
    patch_size: int
    counts: pd.DataFrame
    metrics: Mapping[str, float]
    threshold: float | None
    predictions: pd.DataFrame
    patches: NDArray[np.uint8]
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
    per_patient: pd.DataFrame = field(default_factory=pd.DataFrame)
    per_label: pd.DataFrame = field(default_factory=pd.DataFrame)
    slices: pd.DataFrame = field(default_factory=pd.DataFrame)
    smoothing: pd.DataFrame = field(default_factory=pd.DataFrame)
    baselines: pd.DataFrame = field(default_factory=pd.DataFrame)
    patients: Mapping[str, int] = field(default_factory=dict)
    cost: Mapping[str, Any] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    commit: str = ""
    run_id: str = ""
    model_uri: str = ""
    methods: pd.DataFrame = field(default_factory=pd.DataFrame)
    explained: Mapping[str, Sequence[str]] = field(default_factory=dict)
    date: str = ""

    @property
    def test(self) -> pd.DataFrame:
        """The predictions of the test split."""
        return self.predictions[self.predictions["split"] == "test"]

    @property
    def test_patients(self) -> int:
        """Number of patients in the test split."""
        return int(self.test["patient"].nunique())

    @property
    def two_classes(self) -> bool:
        """Whether there is a positive class."""
        return len(self.class_names) == 2 and not self.multi_label

    @property
    def multi_label(self) -> bool:
        """Whether a patch may have several labels, or none."""
        return is_multi_label(self.predictions)

    @property
    def positive(self) -> str:
        """The name of the positive class, of two."""
        return str(self.class_names[1])

    @property
    def negative(self) -> str:
        """The name of the negative class, of two."""
        return str(self.class_names[0])

    def value(self, name: str) -> float | None:
        """A metric; None if it is missing or not finite."""
        value = self.metrics.get(name)
        return None if value is None or not math.isfinite(value) else float(value)

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
    """The results of a sweep, or of any runs that were compared.

    Tables may be empty or lack columns; what is missing is not shown.

    Attributes:
        name: The sweep's name.
        command: Its command line.
        leaderboard: One row per setting, best first: ``setting``, ``runs``, ``<metric>_mean``,
            ``<metric>_std``, ``<metric>_low``, ``<metric>_high`` of each metric, ``kind`` (run or
            baseline), ``leaky`` (bool). It is ordered by the first metric.
        figures: The folder of the comparison's figures.
        sentences: The significant differences, and the limits of the comparison.
        differences: One row per pair: ``a``, ``b``, ``metric``, ``difference``, ``low``, ``high``,
            ``p_holm``, ``apart`` (bool: significant) and ``patients`` (int).
        pooled: ``setting``, ``repeat``, ``metric``, ``value``, ``low``, ``high``: over all folds.
        fold_table: One row per fold; shown unchanged.
        per_patient: Setting to its table; see `RunReport`.
        failed: Name and error of each run that did not finish.
        runs: Name, id and status of each run.
        methods: Faithfulness of each attribution method for each setting; see
            `idc.comparison.attribution_verdicts.trust_table`.
        explained: Interpretation of `methods`, as sentences.
        notes: Caveats about the metrics, as sentences.
        date: Date of the comparison.
    """

    name: str
    command: str
    leaderboard: pd.DataFrame
    figures: Path
    sentences: Sequence[str] = ()
    differences: pd.DataFrame = field(default_factory=pd.DataFrame)
    pooled: pd.DataFrame = field(default_factory=pd.DataFrame)
    fold_table: pd.DataFrame = field(default_factory=pd.DataFrame)
    per_patient: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    failed: Sequence[tuple[str, str]] = ()
    runs: Sequence[tuple[str, str, str]] = ()
    methods: pd.DataFrame = field(default_factory=pd.DataFrame)
    explained: Sequence[str] = ()
    notes: Sequence[str] = ()
    date: str = ""

    @property
    def has_folds(self) -> bool:
        """Whether settings were cross-validated."""
        return len(self.fold_table) > 0

    @property
    def value_label(self) -> str:
        """Description of a setting's values, such as means over folds."""
        repeats = "repeat" in self.pooled and self.pooled["repeat"].astype(bool).any()
        return value_label(self.has_folds, bool(repeats))

    @property
    def metrics(self) -> list[str]:
        """The leaderboard's metrics; it is ordered by the first one."""
        ends = [str(c) for c in self.leaderboard.columns if str(c).endswith("_mean")]
        return [name.removesuffix("_mean") for name in ends]
