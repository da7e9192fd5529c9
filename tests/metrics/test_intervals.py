import numpy as np
import pytest
from sklearn import metrics as sk

from idc.metrics import intervals
from idc.metrics.intervals import bootstrap


def patients(seed: int, n: int, each: int = 40, spread: float = 0.8) -> tuple[np.ndarray, ...]:
    """Scores whose quality varies from patient to patient."""
    rng = np.random.default_rng(seed)
    group = np.repeat(np.arange(n), each)
    y = rng.integers(0, 2, n * each)
    shift = rng.normal(0, spread, n)[group]
    scores = 1 / (1 + np.exp(-(1.6 * (y - 0.5) + shift + rng.normal(size=len(y)))))
    return y, scores, group.astype(str).astype(object)


def test_resampled_metrics_agree_with_sklearn(monkeypatch: pytest.MonkeyPatch) -> None:
    """With every patient drawn once, each draw is the sample itself."""
    y, scores, group = patients(0, 12)
    scores = scores.round(2)  # ties

    def once(rng, draws, units, codes, positive):
        return np.ones((draws, len(codes)))

    monkeypatch.setattr(intervals, "_weights", once)
    found = bootstrap(y, scores, group, 0.5, draws=3).bounds
    called = scores >= 0.5
    expected = {
        "accuracy": sk.accuracy_score(y, called),
        "balanced_accuracy": sk.balanced_accuracy_score(y, called),
        "precision": sk.precision_score(y, called),
        "recall": sk.recall_score(y, called),
        "specificity": sk.recall_score(y, called, pos_label=0),
        "f1": sk.f1_score(y, called),
        "auroc": sk.roc_auc_score(y, scores),
        "average_precision": sk.average_precision_score(y, scores),
    }
    for name, value in expected.items():
        assert found[name] == pytest.approx((value, value), abs=1e-9), name


def test_patients_that_differ_widen_the_interval() -> None:
    y, scores, group = patients(1, 20, spread=1.5)
    by_patient = bootstrap(y, scores, group, 0.5, draws=400)
    every_patch_its_own = np.arange(len(y)).astype(str).astype(object)
    by_patch = bootstrap(y, scores, every_patch_its_own, 0.5, draws=400)
    width = {i: np.diff(b.bounds["recall"])[0] for i, b in enumerate((by_patient, by_patch))}
    assert width[0] > 1.5 * width[1]


def test_few_patients_fall_back_to_patches_and_say_so() -> None:
    y, scores, group = patients(2, 3)
    found = bootstrap(y, scores, group, 0.5, draws=50)
    assert (found.unit, found.units, found.optimistic) == ("patch", 120, True)
    y, scores, group = patients(2, 12)
    found = bootstrap(y, scores, group, 0.5, draws=50)
    assert (found.unit, found.units, found.optimistic) == ("patient", 12, False)


def test_draws_are_fixed_by_the_seed_and_hold_both_classes() -> None:
    y = np.zeros(60, int)
    y[:2] = 1  # a class that most draws of patients would miss
    group = np.repeat(np.arange(12), 5).astype(str).astype(object)
    scores = np.linspace(1, 0, 60)
    one = bootstrap(y, scores, group, 0.5, draws=100, seed=5)
    assert one == bootstrap(y, scores, group, 0.5, draws=100, seed=5)
    assert all(np.isfinite(b).all() for b in one.bounds.values())
