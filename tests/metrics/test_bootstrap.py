import numpy as np
import pytest
from sklearn import metrics as sk

from idc.metrics.bootstrap import Intervals, bootstrap
from idc.metrics.resampling import patient_clusters
from idc.metrics.spread import resample_metrics
from idc.metrics.statistics import ClusterStatistics, Prediction


def patients(seed: int, n: int, each: int = 40, spread: float = 0.8) -> tuple[np.ndarray, ...]:
    """Scores whose quality varies from patient to patient."""
    rng = np.random.default_rng(seed)
    group = np.repeat(np.arange(n), each)
    y = rng.integers(0, 2, n * each)
    shift = rng.normal(0, spread, n)[group]
    scores = 1 / (1 + np.exp(-(1.6 * (y - 0.5) + shift + rng.normal(size=len(y)))))
    return y, scores, group.astype(str).astype(object)


def at_half(
    y: np.ndarray, scores: np.ndarray, group: np.ndarray, draws: int = 400, seed: int = 0
) -> Intervals:
    called = (scores >= 0.5).astype(int) if scores.ndim == 1 else scores.argmax(1)
    return bootstrap(y, Prediction(scores, {"": called}), group, draws=draws, seed=seed)


@pytest.mark.parametrize("n", [3, 12])
def test_draws_are_whole_patients_and_agree_with_sklearn(n: int) -> None:
    y, scores, group = patients(0, n)
    clusters = patient_clusters(y, group)
    called = (scores >= 0.5).astype(int)
    statistics = ClusterStatistics(
        y, Prediction(scores, {"": called}), clusters.codes, clusters.count
    )
    result = resample_metrics(statistics, clusters, 20, seed=3)
    weights = np.concatenate(list(clusters.draws(20, 3)))
    assert (weights.sum(1) == clusters.count).all()
    for i, weight in enumerate(weights):
        rows = np.repeat(np.arange(len(y)), weight[clusters.codes].astype(int))
        expected = {
            "f1": sk.f1_score(y[rows], called[rows]),
            "auroc": sk.roc_auc_score(y[rows], scores[rows]),
            "average_precision": sk.average_precision_score(y[rows], scores[rows]),
        }
        for name, value in expected.items():
            assert result[name].drawn[i] == pytest.approx(value)


def test_names_carry_the_suffix_of_their_decisions() -> None:
    y, scores, group = patients(0, 12)
    decisions = {"": (scores >= 0.1).astype(int), "_at_0.5": (scores >= 0.5).astype(int)}
    bounds = bootstrap(y, Prediction(scores, decisions), group, draws=50).bounds
    assert bounds["recall"][0] > bounds["recall_at_0.5"][1]
    assert {"f1", "f1_at_0.5", "specificity", "auroc", "brier", "log_loss", "ece"} <= set(bounds)
    assert "auroc_at_0.5" not in bounds


def test_patients_that_differ_widen_the_interval() -> None:
    y, scores, group = patients(1, 20, spread=1.5)
    every_patch_its_own = np.arange(len(y)).astype(str).astype(object)
    by_patient, by_patch = at_half(y, scores, group), at_half(y, scores, every_patch_its_own)
    width = [np.diff(b.bounds["recall"])[0] for b in (by_patient, by_patch)]
    assert width[0] > 1.5 * width[1]


def test_few_patients_have_wide_intervals_and_a_single_one_has_none() -> None:
    """Draws of two patients reach from the one to the other; the truth lies outside every other
    time. Student's t with one degree of freedom goes far beyond."""
    y, scores, group = patients(2, 2, each=100)
    called = (scores >= 0.5).astype(int)
    result = at_half(y, scores, group)
    assert result.patients == 2
    both = [sk.recall_score(y[group == name], called[group == name]) for name in ("0", "1")]
    low, high = result.bounds["recall"]
    assert low < min(both) < max(both) < high
    assert high - low > 4 * (max(both) - min(both))
    assert all(0 <= low <= high <= 1 for low, high in result.bounds.values())
    assert at_half(y, scores, np.zeros(len(y))) == Intervals({}, 1)


def test_what_rests_on_one_patient_has_no_interval_however_many_there_are() -> None:
    y = np.repeat([1, *[0] * 11], 5)
    group = np.repeat(np.arange(12), 5).astype(str)
    bounds = at_half(y, np.linspace(1, 0, 60) ** 2, group).bounds
    assert not {"recall", "balanced_accuracy", "auroc", "average_precision"} & set(bounds)
    assert {"specificity", "accuracy", "precision", "f1"} <= set(bounds)


def test_a_metric_of_exactly_1_may_be_otherwise_in_others() -> None:
    """Ten patients all right: with 2.5 % chance so, if 31 % of all patients were wrong."""
    y, group = np.tile([0, 1], 50), np.repeat(np.arange(10), 10).astype(str)
    low, high = at_half(y, np.where(y == 1, 0.9, 0.1), group).bounds["recall"]
    assert (low, high) == (pytest.approx(0.025**0.1), 1.0)
    low, high = at_half(y, np.where(y == 1, 0.1, 0.9), group).bounds["recall"]
    assert (low, high) == (0.0, pytest.approx(1 - 0.025**0.1))


def test_intervals_are_fixed_by_the_seed() -> None:
    y = np.zeros(60, int)
    y[:2] = 1  # a class that a third of the draws of patients would miss
    group = np.repeat(np.arange(12), 5).astype(str).astype(object)
    scores = np.linspace(1, 0, 60)
    one = at_half(y, scores, group, draws=100, seed=5)
    assert one == at_half(y, scores, group, draws=100, seed=5)
    assert one != at_half(y, scores, group, draws=100, seed=6)


@pytest.mark.parametrize(
    ("label", "defined"), [(1, {"recall", "precision", "f1"}), (0, {"specificity"})]
)
@pytest.mark.parametrize("n", [3, 12])
def test_with_one_class_only_what_is_defined_has_an_interval(
    label: int, defined: set[str], n: int
) -> None:
    y, scores, group = patients(3, n)
    bounds = at_half(np.full_like(y, label), scores, group, draws=50).bounds
    assert set(bounds) == {"accuracy", "brier", "log_loss", "ece"} | defined


def test_more_classes_and_one_that_is_missing() -> None:
    rng = np.random.default_rng(0)
    y, group = rng.integers(0, 3, 240), np.repeat(np.arange(12), 20).astype(str)
    p = rng.dirichlet(np.ones(4), 240) + 0.7 * np.eye(4)[y]
    p /= p.sum(1, keepdims=True)
    complete = at_half(y, p[:, :3] / p[:, :3].sum(1, keepdims=True), group, draws=60).bounds
    assert complete["auroc"][0] < complete["auroc"][1]
    lacking = at_half(y, p, group, draws=60).bounds  # no patch of class 3
    assert not {"auroc", "average_precision"} & set(lacking)
    assert {"accuracy", "f1", "recall", "brier"} <= set(lacking)
