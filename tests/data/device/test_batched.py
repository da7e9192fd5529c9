"""The batched forms' formulas: the numbers that albumentations gets, and so the same pixels."""

from typing import Any

import albumentations as A
import cv2
import numpy as np
import pytest
import torch
from albumentations.augmentations.blur.functional import create_gaussian_kernel_1d
from albumentations.augmentations.pixel.functional import STAIN_MATRICES
from augment_cases import Pixels, assert_equal_within, make_patches, on_device
from numpy.typing import NDArray

from idc.data.device.augmentation import BATCHED, DeviceAugmentation


@pytest.fixture(scope="module")
def patches() -> Pixels:
    return make_patches()


@pytest.fixture(scope="module")
def mixed(patches: Pixels) -> Pixels:
    """Tissue, and noise that holds every colour and no smoothness."""
    noise = np.random.default_rng(0).integers(0, 256, (16, 50, 50, 3), np.uint8)
    return np.concatenate([patches[::8], noise])


def batched(how: Any, patches: Pixels, u: NDArray[np.float64]) -> Pixels:
    transform = BATCHED[type(how)](how)
    parameters = torch.from_numpy(transform.parameters(u, *patches.shape[1:3]))
    return transform.apply(torch.from_numpy(patches), parameters).numpy()


@pytest.mark.parametrize(
    "border", [cv2.BORDER_REFLECT_101, cv2.BORDER_REPLICATE, cv2.BORDER_CONSTANT]
)
def test_affine_is_opencvs(mixed: Pixels, border: int) -> None:
    how = A.Affine(
        scale={"x": (1.1, 1.1), "y": (0.9, 0.9)},
        rotate=(13, 13),
        shear={"x": (4, 4), "y": (-3, -3)},
        translate_percent={"x": (0.06, 0.06), "y": (-0.09, -0.09)},
        border_mode=border,
        fill=(235, 10, 60),
        p=1,
    )
    theirs = np.stack([how(image=patch)["image"] for patch in mixed])
    # OpenCV before 5 rounds coordinates to 1/32 pixel, which noise shows.
    ours = batched(how, mixed, np.zeros((len(mixed), 7)))
    assert_equal_within(ours, theirs, 1, 0.0 if int(cv2.__version__[0]) >= 5 else 0.5)


@pytest.mark.parametrize("background", [True, False])
def test_stain_is_albumentations(mixed: Pixels, background: bool) -> None:
    how = A.HEStain("random_preset", None, (0.8, 1.2), (-0.1, 0.1), background, p=1)
    u = np.random.default_rng(1).random((len(mixed), 5))
    theirs = [
        how.apply(
            patch,
            STAIN_MATRICES[how.preset_names[int(8 * r[0])]],
            0.8 + 0.4 * r[1:3],
            -0.1 + 0.2 * r[3:],
        )
        for patch, r in zip(mixed, u, strict=True)
    ]
    assert_equal_within(batched(how, mixed, u), np.stack(theirs), 1, 1e-3)


def test_colour_jitter_is_albumentations_in_any_order(mixed: Pixels) -> None:
    how = A.ColorJitter(0.15, 0.15, 0.15, 0.03, p=1)
    u = np.random.default_rng(1).random((len(mixed), 8))
    ranges = (how.brightness, how.contrast, how.saturation, how.hue)
    theirs = []
    for patch, r in zip(mixed, u, strict=True):
        factors = [low + (high - low) * x for x, (low, high) in zip(r, ranges, strict=False)]
        theirs.append(how.apply(patch, *factors, order=list(r[4:].argsort())))
    # OpenCV cuts off or rounds on the way from HSV, by column; later steps stretch that a little.
    assert_equal_within(batched(how, mixed, u), np.stack(theirs), 3, 0.01)


def test_colour_jitter_without_hue_is_exact(mixed: Pixels) -> None:
    how = A.ColorJitter(0, 0, (0.7, 0.7), 0, p=1)
    theirs = np.stack([how(image=patch)["image"] for patch in mixed])
    assert_equal_within(batched(how, mixed, np.zeros((len(mixed), 8))), theirs, 1, 0.0)


@pytest.mark.parametrize("sizes", [(3, 5), (0, 0), (0, 7)])
def test_blur_is_opencvs(mixed: Pixels, sizes: tuple[int, int]) -> None:
    how = A.GaussianBlur(sizes, (0.2, 3.0), p=1)
    u = np.random.default_rng(1).random((len(mixed), 2))
    low, high = how.blur_limit
    theirs = [
        how.apply(
            patch, create_gaussian_kernel_1d(0.2 + 2.8 * r[0], low + int(r[1] * (high - low + 1)))
        )
        for patch, r in zip(mixed, u, strict=True)
    ]
    assert_equal_within(batched(how, mixed, u), np.stack(theirs), 1, 0.0)


@pytest.mark.parametrize("by_max", [True, False])
def test_brightness_and_contrast_are_albumentations(mixed: Pixels, by_max: bool) -> None:
    how = A.RandomBrightnessContrast(0.2, 0.2, brightness_by_max=by_max, p=1)
    u = np.random.default_rng(1).random((len(mixed), 2))
    theirs = [
        how.apply(patch, 0.8 + 0.4 * r[0], (-0.2 + 0.4 * r[1]) * (255 if by_max else patch.mean()))
        for patch, r in zip(mixed, u, strict=True)
    ]
    assert_equal_within(batched(how, mixed, u), np.stack(theirs), 1, 0.0)


def test_dropout_fills_whole_rectangles(patches: Pixels) -> None:
    black = np.zeros_like(patches)
    how = A.CoarseDropout((1, 1), (0.1, 0.2), (0.3, 0.4), fill=(235, 1, 2), p=1)
    holes = on_device(DeviceAugmentation([how], 0), black, 0)
    assert set(map(tuple, holes.reshape(-1, 3))) == {(0, 0, 0), (235, 1, 2)}
    for hole in holes[..., 0] > 0:
        rows, columns = np.flatnonzero(hole.any(1)), np.flatnonzero(hole.any(0))
        assert 5 <= len(rows) < 10
        assert 15 <= len(columns) < 20
        assert hole.sum() == len(rows) * len(columns)
