"""A chosen class is seen against the rest; of several labels always one."""

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

from idc.attribution.pipeline.explained_model import Subject
from idc.attribution.pipeline.target import aim, check_target
from idc.errors import ConfigError

NAMES = ("mel", "nv", "df")


def subject(several: bool = False) -> Subject:
    rng = np.random.default_rng(0)
    p = rng.dirichlet(np.ones(3), 30)
    frame = pd.DataFrame(p, columns=[f"score_{i}" for i in range(3)])
    frame = frame.assign(split="test", label=np.arange(30) % 3, predicted=p.argmax(1), loss=0.0)
    if several:
        for i in range(3):
            frame[f"label_{i}"] = (np.arange(30) % (i + 2) == 0).astype(int)
            frame[f"predicted_{i}"] = (p[:, i] >= 0.5).astype(int)
        frame = frame.assign(labels="", label=1, predicted=1)
    return Subject(
        nn.Identity(), frame, frame, np.zeros((30, 1, 1, 3), np.uint8), NAMES, 1, None,
        torch.device("cpu"), thresholds=(0.5, 0.6, 0.7) if several else (),
    )  # fmt: skip


def test_a_chosen_class_is_seen_against_the_rest() -> None:
    before = subject()
    after, pool = aim(before, before.test, "nv")
    assert after.classes == 2
    assert after.class_names[1] == "nv"
    assert (after.targets(pool) == 1).all()
    assert (pool["label"] == (before.test["label"] == 1)).all()
    assert (pool["predicted"] == (before.test["predicted"] == 1)).all()
    assert (pool["score"] == before.test["score_1"]).all()
    assert pool["labelled"].tolist() == [NAMES[i] for i in before.test["label"]]


@pytest.mark.parametrize(("target", "column"), [(None, "predicted"), ("label", "label")])
def test_each_patch_may_have_a_target_of_its_own(target: str | None, column: str) -> None:
    before = subject()
    after, pool = aim(before, before.test, target)
    assert after.classes == 3
    assert after.targets(pool).tolist() == before.test[column].tolist()


def test_of_several_labels_the_most_frequent_is_explained_by_default() -> None:
    before = subject(several=True)
    after, pool = aim(before, before.test, None)
    assert (after.class_names[1], after.threshold) == ("mel", 0.5)
    assert pool["label"].tolist() == before.test["label_0"].tolist()
    after, pool = aim(before, before.test, "df")
    assert (after.targets(pool) == 2).all()
    assert after.threshold == 0.7


def test_what_is_no_class_is_refused_with_the_classes() -> None:
    with pytest.raises(ConfigError, match=r"explain\.target=bkl: choose predicted, label, mel"):
        check_target("bkl", NAMES, False)
    with pytest.raises(ConfigError, match=r"several labels"):
        check_target("predicted", NAMES, True)
    check_target("mel", NAMES, True)
