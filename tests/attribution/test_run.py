"""Batches, progress, and what happens when memory runs out."""

from dataclasses import dataclass

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from idc.attribution.methods import Attributions, Saliency
from idc.attribution.run import explain
from idc.errors import ConfigError


@pytest.fixture
def model() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Flatten(), nn.Linear(3 * 6 * 6, 2))


@pytest.fixture
def patches() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (7, 6, 6, 3), dtype=np.uint8)


TARGETS = np.array([0, 1, 1, 0, 1, 0, 1])


@dataclass(frozen=True)
class Hungry:
    """Saliency that needs memory for each patch and for each input a pass."""

    patches: int
    rows: int
    rows_at_once: int = 8

    def __call__(self, model: nn.Module, images: Tensor, targets: Tensor) -> Attributions:
        if len(images) > self.patches or self.rows_at_once > self.rows:
            raise torch.OutOfMemoryError("full")
        return Saliency()(model, images, targets)


def test_progress_is_told_in_patches(model: nn.Module, patches: np.ndarray) -> None:
    seen: list[int] = []
    methods = {"a": Saliency(), "b": Saliency()}
    explain(model, patches, TARGETS, methods, batch_size=3, advance=seen.append)
    assert seen == [3, 3, 1, 3, 3, 1]


@pytest.mark.parametrize(("most", "rows"), [(2, 8), (1, 1), (4, 3)])
def test_where_memory_runs_out_it_goes_on_with_less(
    model: nn.Module, patches: np.ndarray, most: int, rows: int, caplog: pytest.LogCaptureFixture
) -> None:
    seen: list[int] = []
    methods = {"hungry": Hungry(most, rows), "saliency": Saliency()}
    found = explain(model, patches, TARGETS, methods, 8, advance=seen.append)
    assert np.allclose(found["hungry"].maps, found["saliency"].maps, atol=1e-7)
    assert max(seen[:-1]) <= most
    assert sum(seen) == 14
    assert "hungry: the memory of cpu is full" in caplog.text


def test_when_not_one_patch_fits_it_says_so(model: nn.Module, patches: np.ndarray) -> None:
    with pytest.raises(ConfigError, match=r"not even one patch at a time fits .* with hungry"):
        explain(model, patches, TARGETS, {"hungry": Hungry(0, 8)})


def test_without_patches_there_are_no_maps(model: nn.Module, patches: np.ndarray) -> None:
    found = explain(model, patches[:0], TARGETS[:0], {"s": Saliency()})["s"]
    assert found.maps.shape == (0, 6, 6)
