"""Covering parts of a patch, on networks whose answer is known."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from idc.attribution.methods import FeatureAblation, Occlusion
from idc.attribution.run import explain
from idc.errors import ConfigError


class Corner(nn.Module):
    """Class 1 is darkness in the top left corner of 8x8 pixels, class 0 its opposite."""

    def forward(self, x: Tensor) -> Tensor:
        dark = (1 - x[:, :, :8, :8]).mean((1, 2, 3))
        return torch.stack([-dark, dark], 1)


@pytest.fixture
def corner() -> np.ndarray:
    patches = np.full((2, 24, 32, 3), 250, np.uint8)
    patches[:, :8, :8] = 10
    return patches


def test_occlusion_finds_the_square_that_decides(corner: np.ndarray) -> None:
    method = Occlusion(window=8, stride=8)
    against, found = explain(Corner(), corner, np.array([0, 1]), {"o": method})["o"].maps
    assert np.allclose(found[:8, :8], 1 - 10 / 255, atol=1e-5)
    assert np.allclose(found[8:], 0)
    assert np.allclose(found[:, 8:], 0)
    assert np.allclose(against, -found, atol=1e-6)


def test_occlusion_takes_the_mean_of_the_windows_over_a_pixel(corner: np.ndarray) -> None:
    method = Occlusion(window=8, stride=4, baseline="black")
    (found,) = explain(Corner(), corner[:1], np.array([1]), {"o": method})["o"].maps
    # Black is darker than what it covers: to cover it adds evidence.
    assert found[0, 0] == pytest.approx(-10 / 255, abs=1e-6)
    assert found[0, 5] == pytest.approx(-10 / 255 * (1 + 0.5) / 2, abs=1e-6)
    assert found[20, 20] == 0


def test_occlusion_refuses_what_does_not_fit(corner: np.ndarray) -> None:
    with pytest.raises(ConfigError, match="window of 30"):
        explain(Corner(), corner, np.array([1, 1]), {"o": Occlusion(window=30)})
    with pytest.raises(ConfigError, match="stride of 9"):
        explain(Corner(), corner, np.array([1, 1]), {"o": Occlusion(window=8, stride=9)})


def test_ablation_finds_the_superpixels_that_decide(corner: np.ndarray) -> None:
    method = FeatureAblation(superpixels=24)
    against, found = explain(Corner(), corner, np.array([0, 1]), {"f": method})["f"].maps
    assert (found[:8, :8] > 0).all()
    assert np.allclose(found[12:], 0)
    assert np.allclose(found[:, 12:], 0)
    assert np.allclose(against, -found, atol=1e-6)
    # Each superpixel's loss is its own share of the darkness; together they are all of it.
    areas = method.areas(corner[0] / np.float32(255))
    shares = [found[areas == i].max() for i in np.unique(areas[:8, :8])]
    assert sum(shares) == pytest.approx(1 - 10 / 255, abs=0.05)


@settings(max_examples=6, deadline=None)
@given(st.integers(0, 99), st.integers(2, 30))
def test_ablation_is_constant_within_a_superpixel(seed: int, count: int) -> None:
    torch.manual_seed(seed)
    model = nn.Sequential(nn.Conv2d(3, 2, 5), nn.Tanh(), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    patches = np.random.default_rng(seed).integers(0, 256, (3, 18, 26, 3), dtype=np.uint8)
    method = FeatureAblation(superpixels=count, baseline="mean")
    found = explain(model, patches, np.array([0, 1, 1]), {"f": method})["f"].maps
    for patch, values in zip(patches, found, strict=True):
        areas = method.areas(patch / np.float32(255))
        assert areas.shape == (18, 26)
        assert sorted(np.unique(areas)) == list(range(areas.max() + 1))
        for area in range(areas.max() + 1):
            assert np.ptp(values[areas == area]) == 0


def test_an_empty_patch_has_superpixels_too() -> None:
    patches = np.full((1, 20, 20, 3), 255, np.uint8)
    found = explain(Corner(), patches, np.array([1]), {"f": FeatureAblation(9)})["f"]
    assert np.allclose(found.maps, 0)
