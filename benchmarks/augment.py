"""Augmentation of whole batches, against one patch after the other on one core.

python benchmarks/augment.py [--quick]

Patches/s of 256 patches of 50x50 a batch, for ``augment=light`` and ``augment=strong``: the batched
transforms of `idc.data.device` on the GPU if there is one, else on one CPU core as albumentations;
torchvision's v2 transforms and, if it is installed, kornia's containers, with the nearest
transforms that they have (no H&E stain).
On a GPU time is taken when it is done.
"""

import argparse
import time
from collections.abc import Callable
from typing import Any

import torch
import yaml
from torchvision.transforms import v2

from idc.config.build import build
from idc.config.tree import conf_dir
from idc.data.augment import Augmentation
from idc.data.device.augmentation import DeviceAugmentation
from idc.data.synthetic import SyntheticSpec, make_index, render

BATCH = 256


def rate(step: Callable[[int], Any], seconds: float, device: torch.device) -> float:
    def wait() -> None:
        if device.type == "cuda":
            torch.cuda.synchronize()

    for i in range(3):
        step(i)
    wait()
    start, steps = time.perf_counter(), 0
    while time.perf_counter() - start < seconds:
        for _ in range(4):
            step(steps)
            steps += 1
        wait()
    return BATCH * steps / (time.perf_counter() - start)


def kornia_container(name: str) -> Callable[[torch.Tensor], torch.Tensor] | None:
    try:
        import kornia.augmentation as K
    except ImportError:
        return None
    members = [K.RandomRotation90((0, 3), p=1.0), K.RandomHorizontalFlip(p=0.5)]
    if name == "light":
        members.append(K.ColorJiggle(0.1, 0.1, p=0.5))
    else:
        members += [
            K.RandomAffine(20, (0.06, 0.06), (0.9, 1.1), 5, padding_mode="reflection", p=0.5),
            K.ColorJiggle(0.15, 0.15, 0.15, 0.03, p=0.5),
            K.RandomGaussianBlur((5, 5), (0.2, 1.0), p=0.15),
            K.RandomErasing((0.02, 0.04), (0.5, 2.0), value=0.92, p=0.25),
        ]
    container = K.AugmentationSequential(*members, data_keys=["input"])
    return lambda images: (container(images / 255.0) * 255).round().to(torch.uint8)


def torchvision_transform(name: str) -> Callable[[torch.Tensor], torch.Tensor]:
    """The nearest v2 transforms (no H&E stain), patch by patch: they draw once per call."""
    turns = [v2.Lambda(lambda x, k=k: torch.rot90(x, k, (-2, -1))) for k in range(4)]
    members = [v2.RandomChoice(turns), v2.RandomHorizontalFlip()]
    if name == "light":
        members.append(v2.RandomApply([v2.ColorJitter(0.1, 0.1)], 0.5))
    else:
        affine = v2.RandomAffine(
            20, (0.06, 0.06), (0.9, 1.1), 5, interpolation=v2.InterpolationMode.BILINEAR
        )
        members += [
            v2.RandomApply([affine], 0.5),
            v2.RandomApply([v2.ColorJitter(0.15, 0.15, 0.15, 0.03)], 0.5),
            v2.RandomApply([v2.GaussianBlur(5, (0.2, 1.0))], 0.15),
            v2.RandomErasing(0.25, (0.02, 0.04)),
        ]
    pipeline = v2.Compose(members)
    return lambda images: torch.stack([pipeline(image) for image in images])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="3 s a figure in place of 15 s")
    seconds = 3.0 if parser.parse_args().quick else 15.0
    torch.set_num_threads(1)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    spec = SyntheticSpec(patients=4, patches_per_patient=BATCH // 4)
    patches, _ = render(spec, make_index(spec))
    images = torch.from_numpy(patches).permute(0, 3, 1, 2).to(device)
    for name in ("light", "strong"):
        nodes = yaml.safe_load((conf_dir() / "augment" / f"{name}.yaml").read_text())["transforms"]
        transforms = [build(node, f"augment.transforms[{i}]") for i, node in enumerate(nodes)]
        one_by_one, whole = Augmentation(transforms, 0), DeviceAugmentation(transforms, 0)
        # One after the other and by turns of half the time, for what else the machine does.
        batched = slow = 0.0
        for _ in range(2):
            slow += rate(lambda key, f=one_by_one: f(patches, key), seconds / 2, device) / 2
            batched += rate(lambda key, f=whole: f(images, key), seconds / 2, device) / 2
        print(
            f"augment_{name}_batched ratio={batched / slow:.2f} (batched on {device}, "
            f"{batched:.0f} patches/s, against albumentations on one core, {slow:.0f} patches/s)"
        )
        libraries = {"torchvision": torchvision_transform(name), "kornia": kornia_container(name)}
        for library, augment in libraries.items():
            if augment is None:
                continue
            other = rate(lambda _, f=augment: f(images), seconds, device)
            print(
                f"augment_{name}_{library} ratio={batched / other:.2f} (batched on {device}, "
                f"{batched:.0f} patches/s, against {library} there, {other:.0f} patches/s)"
            )


if __name__ == "__main__":
    main()
