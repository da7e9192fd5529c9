"""Smoothing uses neighbours on the slide only; its effect is reported, not applied."""

import itertools

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import brentq
from scipy.special import expit, logit

from idc.errors import ConfigError, DataError
from idc.metrics.threshold import ThresholdRule
from idc.reports.smoothing_words import effect_sentences
from idc.slides.patch_neighbours import connected_regions, find_neighbours
from idc.slides.smoothers import CANDIDATES, STRENGTHS
from idc.slides.smoothing import Effect, Smoother, effect_of_smoothing, make_smoothers

SIZE = 50
EVERY = [Smoother(kind, 1.0) for kind in STRENGTHS if kind != "none"]
choose = ThresholdRule().choose


def slide(
    scores: np.ndarray, labels: np.ndarray | None = None, patient: str = "8863"
) -> pd.DataFrame:
    """A patch a finite score of a grid, with colours."""
    row, column = np.nonzero(np.isfinite(scores))
    colour = np.random.default_rng(0).uniform(80, 240, (len(row), 3))
    frame = pd.DataFrame(
        {"patient": patient, "x": 1 + SIZE * column, "y": 101 + SIZE * row}
        | {"score": scores[row, column]}
        | {name: colour[:, i] for i, name in enumerate(("mean_r", "mean_g", "mean_b"))}
    )
    return frame if labels is None else frame.assign(label=labels[row, column])


@st.composite
def slides(draw: st.DrawFn) -> pd.DataFrame:
    """Two patients with holes, whose positions overlap."""
    rng = np.random.default_rng(draw(st.integers(0, 2**20)))
    parts = []
    for patient in "ab":
        grid = rng.random((draw(st.integers(1, 6)), draw(st.integers(1, 6))))
        grid[rng.random(grid.shape) < 0.3] = np.nan
        parts.append(slide(grid, patient=patient))
    frame = pd.concat(parts, ignore_index=True)
    return frame.sample(frac=1, random_state=draw(st.integers(0, 99)), ignore_index=True)


@pytest.mark.parametrize("smoother", EVERY, ids=lambda s: s.kind)
@settings(max_examples=15, deadline=None)
@given(frame=slides(), seed=st.integers(0, 99))
def test_laws(smoother: Smoother, frame: pd.DataFrame, seed: int) -> None:
    result = smoother.apply(frame, SIZE)
    assert result.dtype == np.float64
    assert ((result >= 0) & (result <= 1)).all()
    # The order of the rows says nothing.
    order = np.random.default_rng(seed).permutation(len(frame))
    assert np.allclose(smoother.apply(frame.iloc[order], SIZE), result[order], atol=1e-5)
    # A patient alone is smoothed as beside others.
    alone = (frame["patient"] == "a").to_numpy()
    assert np.allclose(smoother.apply(frame[alone], SIZE), result[alone], atol=1e-5)
    # Without strength nothing changes, and without neighbours nobody votes.
    same = Smoother(smoother.kind, 0).apply(frame, SIZE)
    assert (same == frame["score"]).all()
    lonely = find_neighbours(frame, SIZE, 2).counts == 0
    assert np.allclose(result[lonely], frame["score"][lonely], atol=1e-9)


@settings(max_examples=15, deadline=None)
@given(frame=slides(), score=st.floats(0, 1))
def test_a_constant_stays_under_median_and_mean(frame: pd.DataFrame, score: float) -> None:
    frame["score"] = score
    for kind in ("median", "mean"):
        assert np.allclose(Smoother(kind, 2).apply(frame, SIZE), score, atol=1e-9)


@pytest.mark.parametrize("radius", [1, 2])
def test_the_median_is_that_of_the_patches_that_exist(radius: int) -> None:
    grid = np.random.default_rng(1).random((7, 8))
    grid[np.random.default_rng(2).random(grid.shape) < 0.4] = np.nan
    padded = np.pad(grid, radius, constant_values=np.nan)
    windows = np.lib.stride_tricks.sliding_window_view(padded, (2 * radius + 1, 2 * radius + 1))
    right = np.nanmedian(windows, axis=(2, 3))
    result = Smoother("median", radius).apply(slide(grid), SIZE)
    assert np.allclose(result, right[np.isfinite(grid)])


def test_the_mean_weighs_log_odds_by_distance() -> None:
    grid = np.array([[0.9, 0.2, np.nan], [np.nan, 0.6, 0.5]])
    near, askew = np.exp(-1 / 2), np.exp(-2 / 2)
    # The deviation is 1 and the reach 2: the last patch is at (1, 2) from the first.
    weights = np.array([1, near, askew, np.exp(-5 / 2)])
    right = expit(weights @ logit([0.9, 0.2, 0.6, 0.5]) / weights.sum())
    assert Smoother("mean", 1).apply(slide(grid), SIZE)[0] == pytest.approx(right)


def fixed_point(odds: float, pull: float) -> float:
    """Mean field of two patches of equal odds."""
    return float(brentq(lambda q: q - expit(odds + pull * (2 * q - 1)), 0.5, 1))


@pytest.mark.parametrize("pull", [0.1, 0.5, 1.5])
def test_the_field_of_two_patches_is_the_known_fixed_point(pull: float) -> None:
    result = Smoother("crf", pull).apply(slide(np.array([[0.7, 0.7]])), SIZE)
    assert result == pytest.approx(fixed_point(float(logit(0.7)), pull), abs=1e-5)


@pytest.mark.parametrize("kind", ["crf", "crf_contrast"])
def test_a_weak_field_is_near_the_exact_marginals(kind: str) -> None:
    grid = np.array([[0.8, 0.3, 0.55], [0.6, np.nan, 0.2]])
    frame = slide(grid)
    pull, score = 0.08, frame["score"].to_numpy()
    x, y = (frame[key].to_numpy() // SIZE for key in "xy")
    pairs = [
        (i, j)
        for i, j in itertools.combinations(range(len(frame)), 2)
        if max(abs(x[i] - x[j]), abs(y[i] - y[j])) == 1
    ]
    colour = frame[["mean_r", "mean_g", "mean_b"]].to_numpy()
    square = np.array([((colour[i] - colour[j]) ** 2).sum() for i, j in pairs])
    weight = pull * (np.exp(-square / (2 * square.mean())) if kind == "crf_contrast" else square**0)
    exact, total = np.zeros(len(frame)), 0.0
    for labels in itertools.product([0, 1], repeat=len(frame)):
        apart = np.array([labels[i] != labels[j] for i, j in pairs])
        chance = np.exp(logit(score) @ labels - weight @ apart)
        exact += chance * np.array(labels)
        total += chance
    result = Smoother(kind, pull).apply(frame, SIZE)
    assert np.abs(result - exact / total).max() < 2e-3
    assert np.abs(result - score).max() > 0.01  # so that doing nothing would fail


def test_the_field_pulls_less_across_a_change_of_colour() -> None:
    frame = slide(np.array([[0.9, 0.9, 0.2, 0.9]]))
    frame[["mean_r", "mean_g", "mean_b"]] = [[200.0] * 3, [200.0] * 3, [90.0] * 3, [200.0] * 3]
    plain, contrast = (Smoother(k, 0.8).apply(frame, SIZE) for k in ("crf", "crf_contrast"))
    assert contrast[2] < plain[2]  # the dark patch is left to itself
    assert (contrast[:2] > expit(logit(0.9))).all()
    with pytest.raises(DataError, match="mean_g"):
        Smoother("crf_contrast", 1).apply(frame.drop(columns="mean_g"), SIZE)


def test_pooled_models_and_shared_places_do_not_vote_for_each_other() -> None:
    one = slide(np.array([[0.1, 0.1], [0.1, 0.1]])).assign(fold="1")
    two = slide(np.array([[0.9, 0.9], [0.9, 0.9]])).assign(fold="2")
    both = pd.concat([one, two], ignore_index=True)
    for smoother in (Smoother("median", 1), Smoother("mean", 1)):
        assert np.allclose(smoother.apply(both, SIZE), both["score"])
    stacked = pd.concat([slide(np.array([[0.1]])), slide(np.array([[0.8]]))], ignore_index=True)
    assert Smoother("median", 1).apply(stacked, SIZE).tolist() == [0.1, 0.8]


def test_far_and_missing_positions_do_no_harm() -> None:
    frame = slide(np.array([[0.1, 0.9, 0.2]]))
    frame["x"] = frame["x"].astype(float)
    frame.loc[2, "x"] = 1e15
    assert Smoother("median", 1).apply(frame, SIZE) == pytest.approx([0.5, 0.5, 0.2])
    frame.loc[2, "x"] = np.nan
    assert Smoother("median", 1).apply(frame, SIZE) == pytest.approx([0.5, 0.5, 0.2])
    assert len(Smoother("mean", 1).apply(frame.iloc[:0], SIZE)) == 0


def test_regions_hang_together_at_corners_but_not_across_patients() -> None:
    grid = np.array([[1.0, 0, 0], [0, 1, 0], [0, 0, 0], [1, 0, 0]])
    frame = pd.concat([slide(grid), slide(grid, patient="b")], ignore_index=True)
    inside = frame["score"].to_numpy() == 1
    region, regions = connected_regions(inside, find_neighbours(frame, SIZE))
    assert regions == 4
    assert (region[~inside] == -1).all()
    assert sorted(np.bincount(region[inside]).tolist()) == [1, 1, 2, 2]
    assert connected_regions(~inside & inside, find_neighbours(frame, SIZE))[1] == 0


@pytest.mark.parametrize(
    ("kind", "strength"), [("blur", 1), ("median", 1.5), ("mean", -1), ("crf", np.nan)]
)
def test_invalid_smoothers_are_refused(kind: str, strength: float) -> None:
    with pytest.raises(ConfigError, match="smoothing"):
        make_smoothers({kind: [strength]})


def test_scores_must_be_of_two_classes_and_in_range() -> None:
    frame = slide(np.array([[0.1, 0.2]]))
    with pytest.raises(DataError, match="two classes"):
        Smoother("median", 1).apply(frame.assign(score_0=0.1), SIZE)
    with pytest.raises(DataError, match="0 to 1"):
        Smoother("median", 1).apply(frame.assign(score=[0.1, 1.2]), SIZE)


def split(patients: int, islands: bool, seed: int = 0) -> pd.DataFrame:
    """Slides with a large region of IDC, noisy scores, and a sure single patch of it, apart."""
    rng = np.random.default_rng(seed)
    parts = []
    for patient in range(patients):
        labels = np.zeros((12, 14), int)
        labels[2:8, 1:7] = 1
        scores = expit(2.2 * (labels - 0.5) + rng.normal(0, 1.5, labels.shape))
        if islands:
            labels[10, 11], scores[9:12, 10:13] = 1, 0.02
            scores[10, 11] = 0.999
        parts.append(slide(scores, labels, f"p{patient}"))
    return pd.concat(parts, ignore_index=True)


def words(effect: Effect) -> str:
    return " ".join(effect_sentences(effect, "IDC"))


def test_the_effect_is_that_of_each_candidate_at_its_own_threshold() -> None:
    val, test = split(4, islands=True), split(3, islands=True, seed=1)
    effect = effect_of_smoothing(val, test, SIZE, choose, draws=200)
    table = effect.table
    assert table["smoother"][0] == "none"
    assert len(table) == 1 + len(CANDIDATES)
    assert table["chosen"].sum() == 1
    at = int(table["val/log_loss"][1:].idxmin())
    assert table["chosen"][at]
    assert (effect.chosen.kind, effect.chosen.strength) == tuple(
        table.loc[at, ["smoother", "strength"]]
    )
    assert effect.thresholds == (table["threshold"][0], table["threshold"][at])
    assert effect.better  # noise that neighbours do not share
    for place in (0, 1, at):
        row = table.loc[place]
        score = Smoother(row["smoother"], row["strength"]).apply(val, SIZE)
        label = val["label"].to_numpy()
        cut = choose(label, score)
        assert row["threshold"] == pytest.approx(cut)
        called = score >= cut
        assert row["val/recall"] == pytest.approx(called[label == 1].mean())
        assert row["val/specificity"] == pytest.approx(1 - called[label == 0].mean())
        loss = -np.log(np.where(label == 1, score, 1 - score)).mean()
        assert row["val/log_loss"] == pytest.approx(loss)
        assert row["difference"] == pytest.approx(loss - table["val/log_loss"][0])
        base = val["score"].to_numpy() >= table["threshold"][0]
        assert row["val/missed"] == ((label == 1) & base & ~called).sum()
    assert table["test/recall"].notna().tolist() == [i in (0, at) for i in range(len(table))]
    low, high, middle = (table[name][1:] for name in ("low", "high", "difference"))
    assert (low <= middle + 1e-9).all()
    assert (middle <= high + 1e-9).all()


def test_small_regions_that_smoothing_wipes_out_are_counted() -> None:
    val = split(4, islands=True)
    effect = effect_of_smoothing(val, None, SIZE, choose, (Smoother("median", 1),), draws=100)
    row = effect.table.iloc[1]
    assert row["val/small_regions"] == 4
    assert effect.table["val/small_found"][0] == 4
    assert row["val/small_wiped_out"] == 4
    assert row["val/small_found"] == row["val/small_won"] == 0
    text = words(effect)
    assert "4 small labelled IDC regions (1 to 3 patches) on validation, 4 are detected" in text
    assert "lose 4 of these" in text
    assert "is not applied" in text
    assert "4 patients" in text
    assert "test" not in text
    assert "test/recall" not in effect.table


def test_the_interval_is_over_patients() -> None:
    many, one = split(12, islands=False), split(1, islands=False)
    wide = effect_of_smoothing(many[many["patient"].isin(["p0", "p1", "p2"])], None, SIZE, choose)
    narrow = effect_of_smoothing(many, None, SIZE, choose)
    reach = [
        float(e.table["high"][3] - e.table["low"][3])  # of the same smoother
        for e in (wide, narrow)
    ]
    assert reach[0] > reach[1] > 0
    assert "cannot be trusted" in words(wide)
    assert "trusted" not in words(narrow)
    assert "no small labelled IDC regions" in words(narrow)
    alone = effect_of_smoothing(one, None, SIZE, choose)
    assert alone.table["low"].isna().all()
    assert "1 patient," in words(alone)


def test_one_class_or_no_label() -> None:
    val = split(2, islands=False)
    healthy = val.assign(label=0)
    effect = effect_of_smoothing(healthy, healthy, SIZE, choose, draws=100)
    assert effect.table["val/f1"].isna().all()
    assert effect.table["val/log_loss"].notna().all()
    assert "no threshold could be chosen" in words(effect)
    with pytest.raises(DataError, match="no patch has a label"):
        effect_of_smoothing(val.assign(label=-1), None, SIZE, choose)


def test_patches_without_a_label_vote_but_are_not_judged() -> None:
    grid = np.array([[0.9, 0.8, 0.1, 0.2]])
    labels = np.array([[1, -1, -1, 0]])
    smoother = (Smoother("median", 1),)
    effect = effect_of_smoothing(slide(grid, labels), None, SIZE, choose, smoother)
    smoothed = np.array([0.85, 0.15])  # of the first and the last, with their neighbour
    loss = -np.log([smoothed[0], 1 - smoothed[1]]).mean()
    assert effect.table["val/log_loss"][1] == pytest.approx(loss)


def test_a_smoother_that_only_sharpens_is_described() -> None:
    """Scores without spread gain log loss by any certainty; their order is what counts."""
    val = split(3, islands=False)
    flat = val.assign(score=expit(0.02 + 1e-4 * logit(val["score"])))
    chosen = (Smoother("crf", 0.5),)
    effect = effect_of_smoothing(flat, None, SIZE, choose, chosen, draws=100)
    worse = effect.table["val/auroc"][1] < effect.table["val/auroc"][0]
    assert worse
    assert "ranks the validation patches worse" in words(effect)
