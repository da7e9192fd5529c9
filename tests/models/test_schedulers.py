"""Learning-rate schedules, step by step."""

from itertools import pairwise

import pytest
import torch

from idc.models import backbones, heads, schedulers
from idc.models.network import Network
from idc.models.schedulers import Horizon


def network() -> Network:
    backbone = backbones.vanilla_cnn(32, width=8)
    head = heads.mlp(backbone.num_features, 2, hidden=[16], dropout=0.2)
    return Network(backbone, head, 32)


def rates(schedule: object, steps: int, horizon: Horizon) -> list[float]:
    optimizer = torch.optim.SGD(network().parameters(), lr=1.0)
    described = schedule(optimizer, horizon)
    found = []
    for _ in range(steps):
        found.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        described["scheduler"].step()
    return found


HORIZON = Horizon(100, "val/f1", "max")


def test_cosine_warms_up_and_ends_low() -> None:
    found = rates(schedulers.cosine, 100, HORIZON)
    assert found[0] < 0.05
    assert max(found) == pytest.approx(1.0)
    assert found.index(max(found)) == 5
    assert found[-1] == pytest.approx(0.01, abs=0.01)
    assert all(a >= b for a, b in pairwise(found[5:]))


def test_one_cycle_goes_up_and_down() -> None:
    found = rates(schedulers.one_cycle, 100, HORIZON)
    assert found[0] == pytest.approx(1 / 25)
    assert 25 <= found.index(max(found)) <= 33
    assert found[-1] < 0.01


def test_step_and_constant() -> None:
    assert rates(schedulers.constant, 5, HORIZON) == [1.0] * 5
    found = rates(lambda o, h: schedulers.step(o, h, every=2, factor=0.5), 5, HORIZON)
    assert found == [1.0, 1.0, 0.5, 0.5, 0.25]


def test_plateau_watches_the_monitor() -> None:
    optimizer = torch.optim.SGD(network().parameters(), lr=1.0)
    described = schedulers.plateau(optimizer, HORIZON, patience=1, factor=0.1)
    assert described["monitor"] == "val/f1"
    for value in (0.5, 0.6, 0.55, 0.55):
        described["scheduler"].step(value)
    assert optimizer.param_groups[0]["lr"] == pytest.approx(0.1)
