"""What the tests of the batched duplicates share."""

from pathlib import Path
from typing import Any

import albumentations as A
import numpy as np
import torch
import yaml
from numpy.typing import NDArray

from idc.data.device.augmentation import DeviceAugmentation
from idc.data.synthetic import SyntheticSpec, make_index, render

Pixels = NDArray[np.uint8]
CONF = Path(__file__).parents[2] / "conf" / "augment"


def make_patches() -> Pixels:
    """Synthetic tissue of four patients."""
    spec = SyntheticSpec(patients=4, patches_per_patient=64)
    return render(spec, make_index(spec))[0]


def configured(name: str) -> list[Any]:
    transforms = []
    for node in yaml.safe_load((CONF / f"{name}.yaml").read_text())["transforms"]:
        cls = getattr(A, node.pop("_target_").removeprefix("albumentations."))
        transforms.append(cls(**node))
    return transforms


def on_device(augmentation: DeviceAugmentation, patches: Pixels, key: int) -> Pixels:
    images = torch.from_numpy(patches).permute(0, 3, 1, 2)
    return augmentation(images, key).permute(0, 2, 3, 1).numpy()


def assert_equal_within(ours: Pixels, theirs: Pixels, level: int, share: float = 0.0) -> None:
    """No pixel differs by more than `level` grey levels, but for a share of them."""
    apart = np.abs(ours.astype(int) - theirs)
    assert (apart > level).mean() <= share
    assert apart.mean() < 0.3


TRANSFORMS = {
    **{f"strong {type(t).__name__}": [t] for t in configured("strong")},
    **{f"light {type(t).__name__}": [t] for t in configured("light")[1:]},
    "light": configured("light"),
    "strong": configured("strong"),
    "other options": [
        A.Affine(scale=(0.7, 1.0), keep_ratio=True, translate_px=(-9, 9), fill=235, p=0.8),
        A.HEStain("preset", "macenko", augment_background=False, p=0.7),
        A.RandomBrightnessContrast(brightness_by_max=False, p=0.5),
        A.GaussianBlur(p=0.3),
        A.CoarseDropout((2, 5), (3, 9), (2, 12), fill=0, p=0.5),
    ],
}
