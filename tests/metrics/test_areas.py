"""Areas of weighted clusters and of groups, against scikit-learn on repeated patches."""

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score

from idc.metrics import areas
from idc.metrics.areas import Ranking, areas_of, grouped_areas

RNG = np.random.default_rng(0)
CODES = RNG.integers(0, 5, 80)
POSITIVE = RNG.random(80) < 0.4
SCORES = np.round(RNG.random(80) * 0.7 + 0.3 * POSITIVE, 1)  # with ties
EXPECTED = {"auroc": roc_auc_score, "average_precision": average_precision_score}


@pytest.mark.parametrize("few", [0, 10])
def test_weights_repeat_the_patches_of_a_cluster(few: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(areas, "FEW_CLUSTERS", few)
    weights = RNG.integers(0, 3, (4, 5)).astype(float)
    result = Ranking(POSITIVE, SCORES, CODES).areas(weights)
    for name, value in EXPECTED.items():
        repeated = [np.repeat(np.arange(80), row[CODES].astype(int)) for row in weights]
        assert result[name] == pytest.approx([value(POSITIVE[r], SCORES[r]) for r in repeated])


def test_only_the_named_areas_and_nan_without_a_class() -> None:
    ranking = Ranking(POSITIVE, SCORES, np.where(POSITIVE, 0, 1))
    result = ranking.areas(np.array([[1.0, 1.0], [1.0, 0.0], [0.0, 1.0]]), ["auroc"])
    assert list(result) == ["auroc"]
    assert np.isnan(result["auroc"]).tolist() == [False, True, True]


def test_areas_by_hand() -> None:
    """Of 2 x 2 pairs three are in order and one is tied."""
    result = areas_of(np.array([True, True, False, False]), np.array([0.9, 0.5, 0.5, 0.1]))
    assert result == pytest.approx({"auroc": 3.5 / 4, "average_precision": (1 + 2 / 3) / 2})


def test_each_group_has_its_own_areas_and_an_empty_one_none() -> None:
    result = grouped_areas(POSITIVE, SCORES, CODES, 6)
    for name, value in EXPECTED.items():
        own = [value(POSITIVE[group == CODES], SCORES[group == CODES]) for group in range(5)]
        assert result[name][:5] == pytest.approx(own)
        assert np.isnan(result[name][5])
