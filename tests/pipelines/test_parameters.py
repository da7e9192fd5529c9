"""Parameters: what runs are compared by, whatever its value; of the rest what differs."""

from collections.abc import Callable
from typing import Any

from idc.pipelines.parameters import COMPARED, parameters

Compose = Callable[..., dict[str, Any]]


def test_options_with_their_default_are_left_out(compose: Compose) -> None:
    usual = parameters(compose())
    assert set(usual) <= set(COMPARED)
    assert usual["optimizer.lr"] == compose()["optimizer"]["lr"]
    assert usual["backbone"] == compose()["choices"]["backbone"]
    assert len(usual["augment.transforms"].split(", ")) == 2


def test_every_option_that_differs_is_a_parameter(compose: Compose) -> None:
    changed = ("intervals.draws=7", "calibration=platt", "trainer=cpu", "+note=mine", "seed=3")
    followed = ("monitor.metric=val/auroc", "data.patch_size=40")  # others follow these
    values = parameters(compose(*changed, *followed, "callbacks.early_stopping.patience=9"))
    more = set(values) - set(COMPARED)
    assert more == {
        *("intervals.draws", "trainer", "note", "monitor.metric", "data.patch_size"),
        "callbacks.early_stopping.patience",
    }
    assert (values["note"], values["calibration"], values["seed"]) == ("mine", "platt", 3)
    own = parameters(compose("callbacks.early_stopping.monitor=val/loss"))
    assert own["callbacks.early_stopping.monitor"] == "val/loss"


def test_nothing_of_the_machine_is_a_parameter(compose: Compose) -> None:
    values = parameters(compose("tracking.experiment=other", "name=mine", "launcher=joblib"))
    assert set(values) <= set(COMPARED)
