"""The most exciting patches against a loop over all of them."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.metrics import roc_auc_score
from torch import Tensor, nn

from idc.attribution.features.exciting import Unit, exciting_patches, pick_units, unit_areas
from idc.attribution.features.maps import feature_layers
from idc.attribution.layers import MapLayer

SIDE, CHANNELS = 8, 6


class Small(nn.Module):
    """A convolution whose last channel is always silent."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, CHANNELS, 3, stride=2, bias=False)
        self.norm = nn.BatchNorm2d(CHANNELS)
        self.relu = nn.ReLU(inplace=True)
        with torch.no_grad():
            self.conv.weight[-1] = 0

    def forward(self, x: Tensor) -> Tensor:
        return self.relu(self.norm(self.conv(x))).mean((2, 3))[:, :2]


@pytest.fixture
def model() -> Small:
    torch.manual_seed(0)
    return Small().train()


@pytest.fixture
def patches() -> np.ndarray:
    rng = np.random.default_rng(0)
    some = rng.integers(0, 256, (90, SIDE, SIDE, 3), dtype=np.uint8)
    some[60:] = some[:30]  # ties
    return some


LABELS = np.random.default_rng(1).integers(0, 2, 90)
GROUPS = np.random.default_rng(2).choice(["a", "b", "c", "d"], 90, p=[0.6, 0.2, 0.15, 0.05])


def layer_of(model: nn.Module) -> MapLayer:
    return feature_layers(model, torch.rand(1, 3, SIDE, SIDE), ["relu"])[0]


def activations(model: Small, patches: np.ndarray) -> np.ndarray:
    model.eval()
    with torch.no_grad():
        images = torch.from_numpy(patches).permute(0, 3, 1, 2).float() / 255
        return model.norm(model.conv(images)).relu().numpy()


def find(model: nn.Module, patches: np.ndarray, rows: Sequence[int], **options: Any) -> list[Unit]:
    rows = np.asarray(rows, np.int64)
    table = pd.DataFrame({"row": rows, "label": LABELS[rows], "patient": GROUPS[rows]})
    options = {"units": CHANNELS, "batch_size": 7, **options}
    return exciting_patches(model, patches, table, layer_of(model), **options)


def by_hand(values: np.ndarray, rows: Sequence[int], per_unit: int, limit: int) -> list[int]:
    taken: list[int] = []
    for row in sorted(rows, key=lambda r: (-values[r], r)):
        of_patient = sum(GROUPS[other] == GROUPS[row] for other in taken)
        if len(taken) < per_unit and of_patient < limit:
            taken.append(row)
    return taken


@pytest.mark.parametrize(("per_unit", "limit"), [(3, 1), (3, 2), (20, 2), (20, 99)])
def test_they_are_those_of_a_loop(
    model: Small, patches: np.ndarray, limit: int, per_unit: int
) -> None:
    maps = activations(model, patches)
    values = maps.max((2, 3))
    rows = [r for r in range(90) if r % 5]
    units = find(model, patches, rows[::-1], per_unit=per_unit, per_patient=limit)
    assert sorted(unit.channel for unit in units) == list(range(CHANNELS))
    for unit in units:
        # Copies are equal but for rounding, which the batch's place decides.
        expected = by_hand(values[:, unit.channel].round(5), rows, per_unit, limit)
        assert len(unit.rows) == len(expected)
        assert np.allclose(unit.values, values[expected, unit.channel], atol=1e-5)
        assert np.allclose(unit.values, values[unit.rows, unit.channel], atol=1e-5)
        assert np.allclose(unit.maps, maps[unit.rows, unit.channel], atol=1e-5)
        assert np.unique(GROUPS[unit.rows], return_counts=True)[1].max() <= limit
    (silent,) = (unit for unit in units if unit.channel == CHANNELS - 1)
    assert silent.rows.tolist() == by_hand(np.zeros(90), rows, per_unit, limit)


def test_neither_batches_nor_order_matter(model: Small, patches: np.ndarray) -> None:
    one = find(model, patches, range(60), units=4, batch_size=60)
    other = find(model, patches, np.random.default_rng(3).permutation(60), units=4, batch_size=13)
    for a, b in zip(one, other, strict=True):
        assert (a.channel, a.rows.tolist()) == (b.channel, b.rows.tolist())
        assert np.allclose(a.maps, b.maps, atol=1e-5)


def test_units_are_those_that_tell_the_labels_apart_both_ways(
    model: Small, patches: np.ndarray
) -> None:
    bright = patches.copy()
    bright[LABELS == 1] //= 3
    values = activations(model, bright).max((2, 3))
    areas = [roc_auc_score(LABELS, values[:, c]) for c in range(CHANNELS)]
    units = find(model, bright, range(90), units=3, per_unit=2)
    order = np.argsort(areas)
    assert [u.channel for u in units] == [order[-1], order[-2], order[0]]
    for unit in units:
        assert unit.auroc == pytest.approx(areas[unit.channel], abs=0.01)


def test_with_one_label_units_that_vary_most_are_taken(model: Small, patches: np.ndarray) -> None:
    rows = np.flatnonzero(LABELS == 1)
    units = find(model, patches, rows, units=2)
    spread = activations(model, patches[rows]).max((2, 3)).std(0)
    assert [u.channel for u in units] == np.argsort(-spread)[:2].tolist()
    assert all(u.auroc is None for u in units)


def test_few_patches(model: Small, patches: np.ndarray) -> None:
    units = find(model, patches, [3, 8], units=100, per_unit=9)
    assert len(units) == CHANNELS
    assert {tuple(sorted(u.rows.tolist())) for u in units} == {(3, 8)}


def test_areas_agree_with_scikit_learn() -> None:
    rng = np.random.default_rng(0)
    values = rng.integers(0, 5, (40, 260)).astype(np.float32)
    labels = rng.integers(0, 3, 40)
    areas = unit_areas(values, labels)
    assert areas is not None
    expected = [roc_auc_score(labels == 1, column) for column in values.T]
    assert np.allclose(areas, expected)
    assert unit_areas(values, np.zeros(40, int)) is None


def test_picked_units_are_distinct() -> None:
    areas = np.array([0.9, 0.2, 0.5, 0.7])
    values = np.zeros((2, 4), np.float32)
    assert pick_units(areas, values, 3).tolist() == [0, 3, 1]
    assert pick_units(areas, values, 1).tolist() == [0]
    assert sorted(pick_units(areas, values, 9).tolist()) == [0, 1, 2, 3]


def test_the_model_stays_as_it_was(model: Small, patches: np.ndarray) -> None:
    before = {k: v.clone() for k, v in model.state_dict().items()}
    with torch.inference_mode():
        find(model, patches, range(20), units=2)
    assert all(torch.equal(before[k], v) for k, v in model.state_dict().items())
    assert all(m.training for m in model.modules())
    assert model.relu.inplace
    assert not any(m._forward_hooks for m in model.modules())
