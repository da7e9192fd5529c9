"""The cases of a review: their order, surroundings, and caveats of the maps."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch

from idc.attribution.methods import Attributions
from idc.attribution.pipeline.explained_model import Subject
from idc.errors import ConfigError
from idc.plots.mosaic import EMPTY
from idc.reader_study.case import AROUND
from idc.reader_study.case_book import UNMEASURED, caveats, order_cases, run_book


def test_a_method_that_was_not_measured_says_so() -> None:
    fine = Attributions(np.zeros((1, 4, 4), np.float32), "conv", np.zeros(1))
    maps = {"gradcam": fine, "saliency": fine, "occlusion": replace(fine, note="slow")}
    cautions = caveats(maps, {"saliency": "fails the weights check"}, ["gradcam", "saliency"])
    assert cautions == {"saliency": "fails the weights check", "occlusion": f"{UNMEASURED}; slow"}


def pool(scores: list[float], labels: list[int] | None = None) -> pd.DataFrame:
    """Decided predictions at a threshold of 0.2."""
    frame = pd.DataFrame({"path": [f"{i}.png" for i in range(len(scores))], "score": scores})
    labels = labels or [0] * len(scores)
    predicted = (frame["score"] >= 0.2).astype(int)
    return frame.assign(label=labels, predicted=predicted, patient="p", split="test", x=0, y=0)


def test_the_nearest_to_the_threshold_come_first() -> None:
    """Half way from the threshold to 1, or to 0, is as uncertain."""
    ordered = order_cases(pool([0.0, 0.2, 0.61, 0.1, 0.99]), "uncertainty", None, 0, 2, 0.2)
    assert ordered["path"].tolist() == ["1.png", "3.png", "2.png", "4.png", "0.png"]
    more = order_cases(pool([0.9, 0.4, 0.6]), "uncertainty", 2, 0, 3, None)
    assert more["path"].tolist() == ["1.png", "2.png"]


def test_a_random_order_is_fixed_by_its_seed() -> None:
    cases = pool(np.linspace(0, 1, 30).tolist())
    one, again, other = (order_cases(cases, "random", 12, s, 2, 0.2) for s in (1, 1, 2))
    assert one["path"].tolist() == again["path"].tolist() != other["path"].tolist()
    assert one["path"].nunique() == 12
    assert list(one) == list(cases)


def test_suspects_come_first_and_without_any_there_is_no_such_order() -> None:
    labels, scores = [0, 0, 0, 1, 1, 1], [0.1, 0.1, 0.7, 0.9, 0.7, 0.1]
    ordered = order_cases(pool(scores, labels), "suspects", None, 0, 2, 0.2)
    assert set(ordered["path"]) == {"2.png", "5.png"}
    with pytest.raises(ConfigError, match="contradicts no label"):
        order_cases(pool([0.1, 0.9], [0, 1]), "suspects", None, 0, 2, 0.2)


def test_a_case_lies_among_its_neighbours_of_any_split() -> None:
    """Patches of 4 px: beside the case, beyond its surroundings, dropped, and of another slide."""
    index = pd.DataFrame(
        {
            "patient": ["p", "p", "p", "p", "q"],
            "x": [40, 44, 40 + 4 * (AROUND + 1), 36, 40],
            "y": 8,
            "split": ["test", "train", "train", "", "test"],
        }
    )
    patches = np.stack([np.full((4, 4, 3), 10 * i, np.uint8) for i in range(1, 6)])
    table = pool([0.3]).assign(x=40, y=8, row=0)
    subject = Subject(
        None, table, index, patches, ("no", "IDC"), 4, 0.2, torch.device("cpu")  # type: ignore[arg-type]
    )  # fmt: skip
    maps = {"gradcam": Attributions(np.ones((1, 4, 4), np.float32), "conv", np.zeros(1))}
    book = run_book(subject, table, maps, {}, "run", pixel_size=0.5)
    (case,) = book.cases
    assert (book.patch_um, book.sources, book.methods) == (2.0, {"gradcam": "conv"}, ["gradcam"])
    assert (book.patch(case) == 10).all()
    assert book.attribution(case, "gradcam").shape == (4, 4)
    around = book.surroundings(case)
    assert around is not None and around.shape == (4 * (2 * AROUND + 1),) * 2 + (3,)
    middle = slice(4 * AROUND, 4 * (AROUND + 1))
    assert (around[middle, middle] == 10).all()
    assert (around[middle, 4 * (AROUND + 1) : 4 * (AROUND + 2)] == 20).all()
    assert (around != EMPTY).any(axis=2).sum() == 2 * 16
    nowhere = run_book(subject, table.drop(columns=["x", "y"]), maps, {}, "run")
    assert nowhere.surroundings(nowhere.cases[0]) is None and nowhere.patch_um is None
