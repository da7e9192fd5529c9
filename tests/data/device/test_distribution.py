"""The batched augmentation equals the CPU's in distribution."""

from typing import Any

import albumentations as A
import numpy as np
import pytest
from augment_cases import TRANSFORMS, Pixels, make_patches, on_device
from numpy.typing import NDArray
from scipy.stats import chi2_contingency, ks_2samp

from idc.data.augment import Augmentation
from idc.data.device.augmentation import DeviceAugmentation

DRAWS = 4  # of every patch


@pytest.fixture(scope="module")
def patches() -> Pixels:
    return make_patches()


def statistics(patches: Pixels) -> dict[str, NDArray[np.float32]]:
    """Numbers that tell of colour, contrast, sharpness and borders, one a patch each."""
    planes = np.ascontiguousarray(patches.transpose(3, 0, 1, 2), np.float32)
    red, green, blue = planes
    gray = (red + green + blue) / 3
    top = planes.max(0)
    mean = planes.mean((2, 3))
    deviation = planes.std((2, 3))
    ring = np.concatenate([gray[:, :3].mean((1, 2)), gray[:, -3:].mean((1, 2))])
    return {
        **{f"mean {name}": values for name, values in zip("rgb", mean, strict=True)},
        **{f"deviation {name}": values for name, values in zip("rgb", deviation, strict=True)},
        "red against blue": mean[0] - mean[2],
        "red against green": mean[0] - mean[1],
        "saturation": ((top - planes.min(0)) / np.maximum(top, 1)).mean((1, 2)),
        "grain": np.abs(np.diff(gray, axis=1)).mean((1, 2)),
        "border": ring.reshape(2, -1).mean(0),
        "bright": (gray > 245).mean((1, 2)),
        "dark": (gray < 90).mean((1, 2)),
    }


def compare(ours: list[Any], theirs: list[Any], patches: Pixels) -> tuple[float, str]:
    """The smallest Kolmogorov-Smirnov p-value over statistics, and which that is.

    Statistics are of the change, so that how patches differ does not hide what is done to them.
    """
    device, cpu = DeviceAugmentation(ours, 1), Augmentation(theirs, 2)
    before = statistics(patches)

    def changes(batches: list[Pixels]) -> dict[str, NDArray[np.float32]]:
        after = [statistics(batch) for batch in batches]
        change = {k: np.concatenate([a[k] - before[k] for a in after]) for k in before}
        apart = np.abs(np.stack(batches).astype(np.int16) - patches).max(-1)
        change["unchanged"] = (apart == 0).mean((2, 3)).ravel()
        change["difference"] = apart.mean((2, 3)).ravel()
        return change

    a = changes([on_device(device, patches, key) for key in range(DRAWS)])
    b = changes([cpu(patches, key) for key in range(DRAWS)])
    return min((float(ks_2samp(a[k], b[k], method="asymp").pvalue), k) for k in a)


@pytest.mark.parametrize("name", TRANSFORMS)
def test_equal_to_the_cpu_path_in_distribution(name: str, patches: Pixels) -> None:
    # 15 statistics of 1024 patches; seeds are fixed, so this passes always or never.
    value, worst = compare(TRANSFORMS[name], TRANSFORMS[name], patches)
    assert value > 1e-3, worst


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (A.HEStain("preset", "standard", p=0.5), A.HEStain(p=0.5)),
        (A.ColorJitter(0.15, 0.15, 0.15, 0.0, p=0.5), A.ColorJitter(0.15, 0.15, 0.15, 0.03, p=0.5)),
        (A.GaussianBlur((3, 3), (0.2, 1), p=0.5), A.GaussianBlur((3, 5), (0.2, 1.2), p=0.5)),
        (A.D4(p=1), A.Affine(rotate=(-20, 20), border_mode=4, p=0.1)),
    ],
    ids=lambda value: type(value).__name__,
)
def test_the_comparison_tells_other_distributions_apart(
    ours: Any, theirs: Any, patches: Pixels
) -> None:
    assert compare([ours], [theirs], patches)[0] < 1e-4


@pytest.mark.parametrize("border", [4, 0])
def test_shifts_are_of_whole_pixels_and_as_frequent(border: int) -> None:
    point = np.zeros((2000, 50, 50, 3), np.uint8)
    point[:, 25, 25] = 255
    how = [A.Affine(translate_percent=(-0.06, 0.09), border_mode=border, p=1)]

    def count(shifted: Pixels) -> NDArray[np.int64]:
        assert (shifted[..., 0].max((1, 2)) == 255).all()
        places = shifted[..., 0].reshape(len(shifted), -1).argmax(1)
        return np.concatenate([np.bincount(axis, minlength=50) for axis in divmod(places, 50)])

    ours = count(on_device(DeviceAugmentation(how, 1), point, 0))
    theirs = count(Augmentation(how, 2)(point, 0))
    assert ((ours > 0) == (theirs > 0)).all()
    seen = ours > 0
    assert chi2_contingency([ours[seen], theirs[seen]]).pvalue > 1e-3


@pytest.mark.parametrize("span", [(0.1, 0.2), (2, 12)])
def test_holes_lie_as_albumentations_puts_them(span: tuple[float, float]) -> None:
    white = np.full((2000, 50, 50, 3), 255, np.uint8)
    how = [A.CoarseDropout((1, 1), span, span, p=1)]

    def edges(patches: Pixels) -> list[NDArray[np.int64]]:
        hole = patches[..., 0] == 0
        sides = (hole.any(2), hole.any(1))
        return [end for side in sides for end in (side.argmax(1), side.sum(1))]

    ours = edges(on_device(DeviceAugmentation(how, 1), white, 0))
    theirs = edges(Augmentation(how, 2)(white, 0))
    for a, b in zip(ours, theirs, strict=True):
        assert (a.min(), a.max()) == (b.min(), b.max())
        assert ks_2samp(a, b, method="asymp").pvalue > 1e-3
