"""Agreement compared with libraries and the literature, and where it is undefined."""

import math
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import cohen_kappa_score
from statsmodels.stats.inter_rater import aggregate_raters, fleiss_kappa

from idc.reader_study.answer import Answer, ReviewError, as_frame, counted_answers
from idc.reader_study.kappa import cohen, fleiss
from idc.reader_study.reader_agreement import agree, sharing_readers

TIME = "2026-01-02T03:04:05+00:00"


def answer(
    reader: str, case: str, verdict: int, marks: str = "", seen: bool = False, order: str = "random"
) -> Answer:
    return Answer(
        reader,
        case,
        verdict,
        marks,
        "gradcam",
        "",
        seen,
        2.0,
        TIME,
        "blinded",
        order,
        "all",  # type: ignore[arg-type]
    )


def frame(verdicts: Mapping[str, Sequence[int | None]]) -> pd.DataFrame:
    """Answers of readers to cases 0.png, 1.png, ...; None for no answer."""
    entries = [
        answer(reader, f"{i}.png", verdict)
        for reader, row in verdicts.items()
        for i, verdict in enumerate(row)
        if verdict is not None
    ]
    return as_frame(counted_answers(entries))


def predictions(label: Sequence[int], predicted: Sequence[int], patients: int = 12) -> pd.DataFrame:
    count = len(label)
    names = [f"{i}.png" for i in range(count)]
    patient = [f"p{i % patients}" for i in range(count)]
    return pd.DataFrame({"path": names, "patient": patient, "label": label, "predicted": predicted})


def row_of(table: pd.DataFrame, one: str, other: str) -> pd.Series:
    (row,) = table[(table["one"] == one) & (table["other"] == other)].iloc
    return row


def test_the_interval_is_that_of_a_plain_bootstrap() -> None:
    rng = np.random.default_rng(0)
    one = rng.integers(0, 2, 80)
    other = np.where(rng.random(80) < 0.85, one, 1 - one)
    patients = np.arange(80) // 4
    result = cohen(one, other, patients, draws=2000)
    drawn = []
    for _ in range(600):
        picks = rng.integers(0, 20, 20)
        rows = np.concatenate([np.flatnonzero(patients == p) for p in picks])
        drawn.append(cohen_kappa_score(one[rows], other[rows]))
    low, high = np.quantile(drawn, [0.025, 0.975])
    assert (result.low, result.high) == pytest.approx((low, high), abs=0.05)
    table = np.stack([one, other], axis=1)
    several = fleiss(table, patients, draws=2000)
    assert (several.low, several.high) == pytest.approx((low, high), abs=0.05)


def test_readers_labels_and_model() -> None:
    label = [0, 0, 1, 1, 0, 1, 0, 1]
    verdicts = {
        "Bo": [0, 0, 1, 1, 0, 1, -1, 0],
        "ann": [0, 1, 1, 1, 0, -1, 0, None],
        "Cy": [0, 1, 1, 1, None, 1, 0, 0],
    }
    model = [0, 1, 1, 0, 0, 1, 0, 1]
    result = agree(frame(verdicts), predictions(label, model), draws=50)
    assert result.readers["reader"].tolist() == ["ann", "Bo", "Cy"]
    assert result.readers["unsure"].tolist() == [1, 1, 0]
    pair = row_of(result.pairs, "ann", "Bo")
    assert (pair["cases"], pair["unsure"]) == (5, 2)
    assert pair["kappa"] == pytest.approx(cohen_kappa_score([0, 1, 1, 1, 0], [0, 0, 1, 1, 0]))
    unsure = cohen_kappa_score([0, 1, 1, 1, 0, -1, 0], [0, 0, 1, 1, 0, 1, -1])
    assert pair["kappa_with_unsure"] == pytest.approx(unsure)
    assert row_of(result.pairs, "ann", "model")["kappa"] == pytest.approx(
        cohen_kappa_score([0, 1, 1, 1, 0, 0], [0, 1, 1, 0, 0, 0])
    )
    majority = [0, 1, 1, 1, 0, 1, 0, 0]
    expected = cohen_kappa_score(majority, label)
    assert result.metrics["review/kappa_readers_label"] == pytest.approx(expected)
    assert result.metrics["review/kappa_readers_model"] == pytest.approx(
        cohen_kappa_score(majority, model)
    )
    sure, with_unsure = result.fleiss.to_dict("records")
    assert (sure["cases"], with_unsure["cases"]) == (4, 6)
    assert sure["kappa"] == pytest.approx(
        fleiss_kappa(aggregate_raters(np.array([[0, 0, 0], [1, 0, 1], [1, 1, 1], [1, 1, 1]]))[0])
    )
    assert result.metrics["review/readers"] == 3
    assert result.metrics["review/cases"] == 8
    assert result.metrics["review/kappa_A__B"] == pytest.approx(pair["kappa"])
    assert result.confusions["ann"]["label"].tolist() == [[3, 1, 0], [0, 2, 1]]
    names, kappas = result.matrix("kappa")
    assert names == ["ann", "Bo", "Cy", "label", "model"]
    assert kappas[0, 1] == kappas[1, 0] == pytest.approx(pair["kappa"])
    assert kappas[3, 4] == pytest.approx(cohen_kappa_score(label, model))
    assert any("fewer than 10 patients" in note for note in result.notes)


def test_what_is_not_defined_is_said_and_not_logged() -> None:
    result = agree(frame({"Ann": [0, 0, 0], "Bo": [0, 0, 0]}), predictions([0, 0, 0], [0, 1, 0]))
    assert math.isnan(row_of(result.pairs, "Ann", "Bo")["kappa"])
    assert row_of(result.pairs, "Ann", "Bo")["observed"] == 1
    assert "review/kappa_A__B" not in result.metrics
    assert "review/fleiss_kappa" not in result.metrics
    assert result.metrics["review/kappa_A__model"] == 0
    assert any("Ann and Bo" in n and "undefined" in n for n in result.notes)
    assert any("Ann and model" in n and "however often they agree" in n for n in result.notes)
    apart = agree(frame({"Ann": [0, None], "Bo": [None, 1]}), predictions([0, 1], [0, 1]))
    assert row_of(apart.pairs, "Ann", "Bo")["cases"] == 0
    assert any("Ann and Bo" in n and "no case" in n for n in apart.notes)


def test_one_reader_none_and_odd_names() -> None:
    data = predictions([0, 1, 0, 1], [0, 1, 1, 1])
    one = agree(frame({"Ann": [0, 1, 0, 0]}), data)
    assert one.fleiss.empty
    assert one.metrics["review/kappa_readers_label"] == one.metrics["review/kappa_A__label"]
    none = agree(as_frame([]), data)
    assert (none.metrics["review/cases"], none.metrics["review/readers"]) == (0, 0)
    odd = agree(frame({"model": [0, 1, 0, 0], "A/b": [0, 1, 0, 1], "A b": [0, 0, 0, 1]}), data)
    assert odd.readers["reader"].tolist() == ["A b", "A/b", "model (reader)"]
    assert "review/kappa_MR__model" in odd.metrics
    assert len([name for name in odd.metrics if name.startswith("review/kappa_AB_")]) == 7
    assert all(name.replace("/", "").replace("_", "").isalnum() for name in odd.metrics)


def test_verdicts_in_sight_of_the_model_are_told() -> None:
    entries = [answer("Ann", "0.png", 0), answer("Ann", "1.png", 1, seen=True)]
    result = agree(as_frame(counted_answers(entries)), predictions([0, 1], [0, 1]))
    assert result.readers["in_sight"].tolist() == [1]
    assert any("1 of 2 verdicts" in note for note in result.notes)


def test_map_marks_by_method() -> None:
    entries = [
        answer("Ann", f"{i}.png", 0, m) for i, m in enumerate(["right", "right", "wrong", ""])
    ]
    result = agree(as_frame(counted_answers(entries)), predictions([0] * 4, [0] * 4))
    (row,) = result.maps.to_dict("records")
    assert (row["method"], row["judged"], row["right"], row["partly"]) == ("gradcam", 3, 2, 0)
    assert row["right_share"] == pytest.approx(2 / 3)
    assert result.metrics["review/map_right_gradcam"] == pytest.approx(2 / 3)


def test_answers_of_another_run_are_refused() -> None:
    with pytest.raises(ReviewError, match=r"3\.png.*another run"):
        agree(frame({"Ann": [0, 1, 0, 1]}), predictions([0, 1, 0], [0, 1, 0]))
    with pytest.raises(ReviewError, match="verdict 2"):
        agree(frame({"Ann": [0, 1, 2]}), predictions([0, 1, 0], [0, 1, 0]))


def names_of(metrics: Mapping[str, float]) -> set[str]:
    return {name for name in metrics if "kappa" in name or "map_" in name}


def test_selected_cases_do_not_pass_for_the_test_split() -> None:
    label, model = [0, 1] * 10, [0, 1] * 6 + [1, 0] * 4
    data = predictions(label, model).assign(split="test")
    entries = [answer("Ann", f"{i}.png", label[i], "right") for i in range(10)]
    # The last are what the model calls wrong: readers side with the label there.
    entries += [
        answer("Ann", f"{i}.png", label[i], "wrong", order="suspects") for i in range(12, 19)
    ]
    of_all = agree(as_frame(counted_answers(entries)), data, draws=0)
    assert of_all.drawn == "random"
    assert of_all.metrics["review/kappa_A__model"] == 1
    assert of_all.metrics["review/map_right_gradcam"] == 1
    assert of_all.confusions["Ann"]["model"].sum() == 10
    assert not any(name.endswith("_selected") for name in of_all.metrics)
    kept = of_all.pairs[(of_all.pairs["one"] == "Ann") & (of_all.pairs["other"] == "model")]
    of_selected = cohen_kappa_score(label[12:19], model[12:19])
    assert kept["drawn"].tolist() == ["random", "selected"]
    assert kept["kappa"].tolist() == pytest.approx([1, of_selected])
    assert any("7 of 17 answers are to selected cases" in note for note in of_all.notes)
    names, kappas = of_all.matrix("kappa")
    assert kappas[0, names.index("model")] == 1

    chosen = agree(as_frame(counted_answers(entries[10:])), data, draws=0)
    assert chosen.drawn == "selected"
    assert all(name.endswith("_selected") for name in names_of(chosen.metrics))
    assert chosen.metrics["review/kappa_A__label_selected"] == 1
    assert any("not representative of the test split" in note for note in chosen.notes)
    # An older journal does not say how its cases came.
    old = [answer("Ann", f"{i}.png", label[i], order="") for i in range(10)]
    assert agree(as_frame(counted_answers(old)), data, draws=0).drawn == "selected"
    # All of the test split, in whatever order, is no selection.
    every = [answer("Ann", f"{i}.png", label[i], order="uncertainty") for i in range(20)]
    assert agree(as_frame(counted_answers(every)), data, draws=0).drawn == "random"
    assert agree(as_frame(counted_answers(every[1:])), data, draws=0).drawn == "selected"


def test_a_stray_reader_does_not_take_fleiss_kappa_away() -> None:
    label = [0, 1] * 8
    verdicts: dict[str, list[int | None]] = {
        "Ann": [*label[:12], *[None] * 4],
        "Bo": [*label[:11], 0, *[None] * 4],
        "Cy": [*label[:11], None, *[None] * 4],
        "Stray": [*[None] * 12, 0, 1, 0, 1],
    }
    result = agree(frame(verdicts), predictions(label, label), draws=0)
    sure = result.fleiss.iloc[0]
    assert (sure["readers"], sure["of"], sure["cases"]) == (3, "Ann, Bo, Cy", 11)
    assert result.metrics["review/fleiss_kappa"] == pytest.approx(1)
    assert result.metrics["review/fleiss_readers"] == 3
    assert any("all 4 readers" in n and "Ann, Bo, Cy, who share 11" in n for n in result.notes)


def test_which_readers_share_enough() -> None:
    rng = np.random.default_rng(0)
    answered = np.ones((30, 4), bool)
    assert sharing_readers(answered) == [0, 1, 2, 3]
    answered[3:, 2] = False  # looked in, and left
    assert sharing_readers(answered) == [0, 1, 3]
    assert sharing_readers(answered[:8]) == [0, 1, 2, 3]  # few, but there are no better
    apart = np.zeros((12, 4), bool)
    apart[:5, :2], apart[5:, 2:] = True, True
    assert sharing_readers(apart) == [2, 3]
    assert sharing_readers(np.eye(3, dtype=bool)) == []
    assert sharing_readers(np.ones((9, 1), bool)) == []
    many = np.zeros((40, 30), bool)
    many[:, 10:20] = True
    many[rng.integers(0, 40, 20), rng.integers(0, 10, 20)] = True
    assert sharing_readers(many) == list(range(10, 20))
