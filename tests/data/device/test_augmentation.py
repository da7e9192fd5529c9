"""The batched augmentation: draws by key, refusals, and no wait for the device."""

from typing import Any

import albumentations as A
import cv2
import numpy as np
import pytest
import torch
from augment_cases import (
    TRANSFORMS,
    Pixels,
    assert_equal_within,
    configured,
    make_patches,
    on_device,
)
from numpy.typing import NDArray
from scipy.stats import chisquare
from torch._subclasses.fake_tensor import DynamicOutputShapeException, FakeTensorMode

from idc.data.device.augmentation import DeviceAugmentation, Step, transform
from idc.errors import ConfigError


@pytest.fixture(scope="module")
def patches() -> Pixels:
    return make_patches()


TURNS = [np.rot90(np.arange(9).reshape(3, 3), k) for k in range(4)]


@pytest.mark.parametrize(
    ("how", "outcomes"),
    [
        (A.D4(p=1), TURNS + [turn.T for turn in TURNS]),
        (A.RandomRotate90(p=1), TURNS),
        (A.HorizontalFlip(p=0.5), [TURNS[0], TURNS[0][:, ::-1]]),
        (A.VerticalFlip(p=0.5), [TURNS[0], TURNS[0][::-1]]),
    ],
    ids=lambda value: type(value).__name__,
)
def test_symmetries_are_drawn_evenly(how: Any, outcomes: list[NDArray[np.int64]]) -> None:
    tile = np.repeat(np.arange(9, dtype=np.uint8).reshape(3, 3)[..., None], 3, 2)
    drawn = on_device(DeviceAugmentation([how], 0), np.tile(tile, (4000, 1, 1, 1)), 0)
    assert (drawn[..., 0] == drawn[..., 2]).all()
    counts = [(drawn[..., 0] == outcome).all((1, 2)).sum() for outcome in outcomes]
    assert sum(counts) == 4000
    assert chisquare(counts).pvalue > 0.001


def test_key_and_seed_decide(patches: Pixels) -> None:
    strong = configured("strong")
    first = on_device(DeviceAugmentation(strong, 5), patches, 77)
    assert (first == on_device(DeviceAugmentation(strong, 5), patches, 77)).all()
    assert (first != on_device(DeviceAugmentation(strong, 5), patches, 78)).mean() > 0.5
    assert (first != on_device(DeviceAugmentation(strong, 6), patches, 77)).mean() > 0.5


def test_a_sample_does_not_depend_on_those_after_it(patches: Pixels) -> None:
    augmentation = DeviceAugmentation(configured("strong"), 0)
    whole, part = (on_device(augmentation, patches[:n], 3) for n in (64, 20))
    # Products of matrices may differ in the last bit with the batch's size: one grey level.
    assert_equal_within(part, whole[:20], 1, 0.0)


def test_samples_of_a_batch_draw_for_themselves(patches: Pixels) -> None:
    one = np.tile(patches[:1], (64, 1, 1, 1))
    drawn = on_device(DeviceAugmentation(configured("strong"), 0), one, 0)
    assert len({patch.tobytes() for patch in drawn}) > 55


def test_probabilities_of_zero_and_one(patches: Pixels) -> None:
    never = on_device(DeviceAugmentation([A.RandomBrightnessContrast(p=0)], 0), patches, 0)
    assert (never == patches).all()
    dark = A.RandomBrightnessContrast((-0.2, -0.2), (0, 0), p=1)
    always = on_device(DeviceAugmentation([dark], 0), patches, 0)
    assert (always == np.maximum(patches.astype(int) - 51, 0)).all()


def test_memory_is_channels_last_and_the_input_is_left_alone(patches: Pixels) -> None:
    augmentation = DeviceAugmentation(configured("strong"), 0)
    images = torch.from_numpy(patches.copy()).permute(0, 3, 1, 2)
    out = augmentation(images, 0)
    assert (images.permute(0, 2, 3, 1).numpy() == patches).all()
    assert out.dtype == torch.uint8
    assert out.is_contiguous(memory_format=torch.channels_last)
    assert torch.equal(out, augmentation(images.contiguous(), 0))


@pytest.mark.parametrize(
    "how",
    [
        A.ElasticTransform(p=1),
        A.OneOf([A.D4(p=1)]),
        A.HEStain("macenko", p=1),
        A.Affine(border_mode=cv2.BORDER_WRAP, p=1),
        A.Affine(fit_output=True, p=1),
        A.Affine(interpolation=cv2.INTER_CUBIC, p=1),
        A.RandomBrightnessContrast(ensure_safe_range=True, p=1),
        A.CoarseDropout(fill="random", p=1),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_has_no_batched_form_is_refused_by_name(how: Any) -> None:
    with pytest.raises(ConfigError, match=rf"{type(how).__name__}.*augment=strong"):
        DeviceAugmentation([A.D4(p=1), how], 0)


def test_quarter_turns_want_squares() -> None:
    wide = torch.zeros(2, 3, 8, 12, dtype=torch.uint8)
    with pytest.raises(ConfigError, match="square"):
        DeviceAugmentation([A.D4(p=1)], 0)(wide, 0)
    assert DeviceAugmentation([A.HorizontalFlip(p=1)], 0)(wide, 0).shape == wide.shape


def test_automatic_precision_does_not_reach_it(patches: Pixels) -> None:
    augmentation = DeviceAugmentation(configured("strong"), 0)
    expected = on_device(augmentation, patches, 0)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert (on_device(augmentation, patches, 0) == expected).all()


def test_floats_are_refused() -> None:
    with pytest.raises(TypeError, match="uint8"):
        DeviceAugmentation([], 0)(torch.zeros(2, 3, 8, 8), 0)


@pytest.mark.parametrize("name", ["light", "strong", "other options"])
def test_no_step_asks_the_device_for_a_value(name: str) -> None:
    """On tensors of a GPU without values: what needs a value, or one from the host, fails here."""
    # cudnn's sampler, which PyTorch takes for a constant border, has no stand-in without values.
    ours = [t for t in TRANSFORMS[name] if getattr(t, "border_mode", None) != cv2.BORDER_CONSTANT]
    steps = DeviceAugmentation(ours, 0).draw(32, 50, 50, 0, torch.device("cpu"))
    with FakeTensorMode():

        def like(tensor: torch.Tensor) -> torch.Tensor:
            return torch.empty(tensor.shape, dtype=tensor.dtype, device="cuda")

        images = torch.empty(32, 3, 50, 50, dtype=torch.uint8, device="cuda")
        fakes = [
            Step(s.transform, None if s.chosen is None else like(s.chosen), like(s.parameters))
            for s in steps
        ]
        out = transform(images, fakes)
        assert out.device.type == "cuda"
        assert out.shape == images.shape
        with pytest.raises(DynamicOutputShapeException):
            images[images > 3]


def test_the_steps_trace_as_one_graph(patches: Pixels) -> None:
    images = torch.from_numpy(patches[:16]).permute(0, 3, 1, 2)
    steps = DeviceAugmentation(configured("strong"), 0).draw(16, 50, 50, 0, images.device)
    traced = torch.compile(transform, fullgraph=True, backend="eager")
    assert torch.equal(traced(images, steps), transform(images, steps))


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_on_a_gpu_it_is_the_same_and_never_waits(patches: Pixels) -> None:
    augmentation = DeviceAugmentation(configured("strong"), 0)
    images = torch.from_numpy(patches).permute(0, 3, 1, 2)
    there = images.cuda()
    augmentation(there, 0)  # the first call makes pinned buffers and handles
    torch.cuda.set_sync_debug_mode("error")
    try:
        out = augmentation(there, 0)
    finally:
        torch.cuda.set_sync_debug_mode("default")
    assert_equal_within(out.cpu().numpy(), augmentation(images, 0).numpy(), 2, 1e-3)
