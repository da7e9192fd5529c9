"""The threshold of each of several labels."""

import numpy as np
import pytest

from idc.errors import DataError
from idc.metrics.label_thresholds import FEWEST, choose_thresholds
from idc.metrics.threshold import ThresholdRule

rng = np.random.default_rng(0)
LABELS = (rng.random((80, 3)) < (0.5, 0.3, 0.02)).astype(np.int64)
LABELS[:, 2] = np.arange(80) < FEWEST - 1
SCORES = (0.3 * LABELS + 0.5 * rng.random((80, 3))).round(3)


def test_each_label_has_its_own_threshold_unless_it_is_rare() -> None:
    rule = ThresholdRule("max_f1")
    result = choose_thresholds(rule, LABELS, SCORES)
    assert result.own == (True, True, False)
    assert result.each[:2] == tuple(rule.choose(LABELS[:, i], SCORES[:, i]) for i in (0, 1))
    assert result.each[2] == rule.choose(LABELS.ravel(), SCORES.ravel())
    np.testing.assert_array_equal(result.decide(SCORES), np.array(result.each) <= SCORES)
    (note,) = result.note(("a", "b", "c"))
    assert " c: 1 label " in note


def test_a_fixed_threshold_is_every_labels_own() -> None:
    result = choose_thresholds(ThresholdRule("fixed", value=0.4), LABELS, SCORES)
    assert result.each == (0.4, 0.4, 0.4)
    assert result.note("abc") == []


def test_a_precision_out_of_reach_gives_way_to_the_best_f1() -> None:
    hopeless = np.tile(rng.random((80, 1)), 3)
    best = choose_thresholds(ThresholdRule("max_f1"), LABELS, hopeless)
    assert choose_thresholds(ThresholdRule("precision>=1"), LABELS, hopeless).own == best.own


def test_without_any_label_there_is_nothing_to_choose_from() -> None:
    with pytest.raises(DataError, match="only one class"):
        choose_thresholds(ThresholdRule(), np.zeros_like(LABELS), SCORES)
