import numpy as np
import pandas as pd
import pytest
from scipy.special import expit
from sklearn import metrics as sk
from statsmodels.stats.multitest import multipletests

from idc.errors import ConfigError
from idc.metrics.bootstrap import bootstrap, compare_paired, holm
from idc.metrics.statistics import Prediction


def predict(logits: np.ndarray) -> Prediction:
    scores = expit(logits)
    return Prediction(scores, {"": (scores >= 0.5).astype(int)})


def contest(seed: int, patients: int = 20, each: int = 30, lead: float = 0.0) -> tuple:
    """Two contestants that share what is hard about a patient; the first is better by `lead`."""
    rng = np.random.default_rng(seed)
    group = np.repeat(np.arange(patients), each)
    y = rng.integers(0, 2, len(group))
    shift = rng.normal(0, 1, patients)[group]
    noise = rng.normal(size=(2, len(y)))
    own = rng.normal(0, 0.3, (2, patients))[:, group]
    logits = 2 * (y - 0.5) * np.array([[1 + lead], [1.0]]) + shift + own + 0.5 * noise
    return y, group.astype(str), {"a": [predict(logits[0])], "b": [predict(logits[1])]}


def test_columns_values_and_units() -> None:
    y, group, contestants = contest(0)
    result = compare_paired(y, group, contestants, ("f1", "auroc"), draws=100)
    assert list(result.intervals) == [
        *("contestant", "metric", "value", "low", "high", "repeats", "patients")
    ]
    assert list(result.pairs) == [
        *("a", "b", "metric", "difference", "low", "high", "p", "patients")
    ]
    values = result.intervals.set_index(["contestant", "metric"])["value"]
    for name, (prediction,) in contestants.items():
        assert values[name, "auroc"] == pytest.approx(sk.roc_auc_score(y, prediction.scores))
        assert values[name, "f1"] == pytest.approx(sk.f1_score(y, prediction.decisions[""]))
    pair = result.pairs.set_index("metric").loc["f1"]
    assert pair["difference"] == pytest.approx(values["a", "f1"] - values["b", "f1"])
    assert set(result.pairs["patients"]) == {20}


def test_a_single_patient_tells_nothing_apart() -> None:
    y, _, contestants = contest(0)
    result = compare_paired(y, np.zeros(len(y)), contestants, ("f1",), draws=100)
    assert result.pairs["patients"].tolist() == [1]
    assert result.pairs[["low", "high", "p"]].isna().all(axis=None)
    assert result.intervals[["low", "high"]].isna().all(axis=None)
    assert result.intervals["value"].notna().all()


def test_intervals_of_contestants_are_those_of_the_bootstrap() -> None:
    y, group, contestants = contest(1)
    result = compare_paired(y, group, contestants, ("recall",), draws=200, seed=4).intervals
    (a,) = contestants["a"]
    alone = bootstrap(y, a, group, draws=200, seed=4).bounds["recall"]
    assert (result.loc[0, "low"], result.loc[0, "high"]) == alone


def test_what_patients_share_falls_out_of_the_difference() -> None:
    y, group, contestants = contest(2, lead=0.4)
    result = compare_paired(y, group, contestants, ("auroc",), draws=1000)
    low_a, high_b = result.intervals["low"][0], result.intervals["high"][1]
    assert low_a < high_b  # the intervals overlap
    pair = result.pairs.iloc[0]
    assert pair["low"] > 0
    assert pair["p"] < 0.05


def test_an_equal_contestant_differs_by_nothing() -> None:
    y, group, contestants = contest(3)
    equal = {"a": contestants["a"], "same": contestants["a"]}
    pair = compare_paired(y, group, equal, ("f1", "auroc"), draws=100).pairs
    assert (pair[["difference", "low", "high"]] == 0).all(axis=None)
    assert (pair["p"] == 1).all()


def test_turning_a_pair_round_turns_the_sign() -> None:
    y, group, contestants = contest(4, lead=0.1)
    one = compare_paired(y, group, contestants, ("f1",), draws=200).pairs
    other = compare_paired(y, group, dict(reversed(contestants.items())), ("f1",), draws=200).pairs
    assert np.allclose(one["difference"], -other["difference"])
    assert np.allclose(one["low"], -other["high"])
    assert np.allclose(one["p"], other["p"])


def test_repeats_count_by_their_mean() -> None:
    y, group, contestants = contest(5)
    both = {"a": contestants["a"] + contestants["b"], "b": contestants["b"]}
    result = compare_paired(y, group, both, ("recall",), draws=100)
    single = compare_paired(y, group, contestants, ("recall",), draws=100)
    assert result.intervals["value"][0] == pytest.approx(single.intervals["value"].mean())
    assert result.intervals["repeats"].tolist() == [2, 1]
    halved = result.pairs[["difference", "low", "high"]] * 2
    assert np.allclose(halved, single.pairs[["difference", "low", "high"]])


def test_holm_by_hand() -> None:
    assert holm(np.array([0.03, 0.01, 0.04])) == pytest.approx([0.06, 0.03, 0.06])
    assert len(holm(np.empty(0))) == 0


def test_holm_is_that_of_statsmodels() -> None:
    rng = np.random.default_rng(0)
    for count in (1, 2, 9, 40):
        p_values = rng.choice(rng.random(count) ** 3, count)  # with ties
        assert np.array_equal(holm(p_values), multipletests(p_values, method="holm")[1])


@pytest.mark.parametrize(("patients", "most"), [(24, 7), (3, 7)])
def test_equal_contestants_differ_significantly_in_one_of_twenty(
    patients: int, most: float
) -> None:
    """Chance favours either: 3.8 % of comparisons on 24 patients have p < 0.05."""
    p_values = []
    for seed in range(400):
        y, group, contestants = contest(100 + seed, patients, each=25)
        result = compare_paired(y, group, contestants, ("accuracy",), draws=199, seed=seed)
        p_values.append(result.pairs["p"][0])
    share = 100 * np.mean(np.array(p_values) < 0.05)
    assert share <= most
    if patients > 10:
        assert share >= 3


def test_what_is_undefined_is_left_out() -> None:
    y, group, contestants = contest(7)
    result = compare_paired(np.ones_like(y), group, contestants, ("recall", "auroc"), draws=60)
    assert set(result.pairs["metric"]) == set(result.intervals["metric"]) == {"recall"}
    alone = compare_paired(y, group, {"a": contestants["a"]}, ("f1",), draws=60)
    assert isinstance(alone.pairs, pd.DataFrame)
    assert alone.pairs.empty


def test_more_than_two_classes() -> None:
    rng = np.random.default_rng(0)
    y, group = rng.integers(0, 3, 300), np.repeat(np.arange(15), 20).astype(str)
    rivals = {}
    for name, skill in (("good", 1.5), ("poor", 0.2)):
        p = rng.dirichlet(np.ones(3), 300) + skill * np.eye(3)[y]
        p /= p.sum(1, keepdims=True)
        rivals[name] = [Prediction(p, {"": p.argmax(1)})]
    pairs = compare_paired(y, group, rivals, ("f1", "auroc"), draws=200).pairs
    assert (pairs["low"] > 0).all()
    assert (pairs["p"] < 0.05).all()


def test_too_few_draws_are_refused() -> None:
    y, group, contestants = contest(8)
    with pytest.raises(ConfigError, match=r"draws=20.*at least 42"):
        compare_paired(y, group, contestants, ("f1",), draws=20)
