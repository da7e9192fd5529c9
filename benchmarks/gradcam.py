"""Grad-CAM of many patches, against the package pytorch-grad-cam.

python benchmarks/gradcam.py [--quick]

The same network, layer, patches of 50x50 and batches on both sides, in turns and on one thread; the
medians are told, and how well the maps agree. pytorch-grad-cam wants the OpenCV with a display,
which would take the place of ours, so it is installed aside, without what it depends on:

    uv pip install --no-deps --target build/gradcam grad-cam ttach

Another folder than ``build/gradcam``, relative to the clone, is named in ``IDC_GRADCAM``.
"""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before torch is imported

import statistics
import sys
from pathlib import Path

import numpy as np
import torch
from common import arguments, tell, timed
from numpy.typing import NDArray
from torch import nn

from idc.attribution.methods import GradCam
from idc.attribution.run import explain
from idc.data.sources.synthetic import SyntheticSource
from idc.models import backbones
from idc.models.backbone import Backbone, set_batch_norm_momentum
from idc.models.heads import linear
from idc.models.network import Network

BATCH, SIZE = 64, 50
BACKBONES = {
    "mobilenet_v3_small": lambda: backbones.mobilenet("mobilenet_v3_small", SIZE),
    "resnet18": lambda: backbones.resnet("resnet18", SIZE),
}
Maps = NDArray[np.float32]


def main() -> None:
    quick = arguments(__doc__).quick
    find_package()
    count, repeats = (256, 3) if quick else (1_024, 5)
    source = SyntheticSource(8, count // 8)
    patches = source.read(source.scan().index).patches
    for name, make in BACKBONES.items():
        network = settled(make(), patches)
        theirs, maps, times = TheirGradCam(network, patches), {}, {"ours": [], "theirs": []}

        def run(side: str, network=network, theirs=theirs, maps=maps) -> None:
            maps[side] = ours(network, patches) if side == "ours" else theirs(patches)

        for side in times:
            run(side)  # memory is fetched, kernels are chosen
        for _ in range(repeats):
            for side, seconds in times.items():
                seconds.append(timed(lambda side=side: run(side)))
        rates = {side: len(patches) / statistics.median(s) for side, s in times.items()}
        tell(
            f"gradcam_{name}",
            rates["ours"] / rates["theirs"],
            f"{rates['ours']:,.0f} patches/s",
            f"pytorch-grad-cam, {rates['theirs']:,.0f} patches/s",
        )
        alike = correlations(maps["ours"], maps["theirs"])
        share = float((alike > 0.99).mean())
        what = f"{share:.2%} of {len(alike):,} maps correlate above 0.99, median {median(alike)}"
        tell(f"gradcam_{name}_maps", share, what, "pytorch-grad-cam's")


def find_package() -> None:
    """Make the package that is installed aside importable."""
    default = Path(__file__).parents[1] / "build" / "gradcam"
    folder = Path(os.environ.get("IDC_GRADCAM", default))
    if not (folder / "pytorch_grad_cam").is_dir():
        raise SystemExit(
            f"pytorch-grad-cam is not in {folder}. Install it aside with\n\n"
            f"    uv pip install --no-deps --target {folder} grad-cam ttach\n"
        )
    sys.path.append(str(folder))


def settled(backbone: Backbone, patches: NDArray[np.uint8]) -> Network:
    """A network of drawn weights whose BatchNorm knows the patches, so that maps have a shape."""
    torch.manual_seed(0)
    network = Network(backbone, linear(backbone.num_features, 2), SIZE)
    set_batch_norm_momentum(network, 0.3)
    with torch.no_grad():
        for start in range(0, 5 * BATCH, BATCH):
            network.train()(images(patches[start : start + BATCH]))
    return network.eval()


def images(patches: NDArray[np.uint8]) -> torch.Tensor:
    """Patches, uint8 (n, H, W, 3), as a network gets them."""
    return torch.from_numpy(patches).permute(0, 3, 1, 2).float() / 255


def classes(patches: NDArray[np.uint8]) -> NDArray[np.int64]:
    """What to explain: either class, since a drawn network may have no evidence for one of them."""
    return np.arange(len(patches)) % 2


def ours(network: nn.Module, patches: NDArray[np.uint8]) -> Maps:
    methods = {"gradcam": GradCam()}
    return explain(network, patches, classes(patches), methods, BATCH)["gradcam"].maps


class TheirGradCam:
    """pytorch-grad-cam, as its README has it, on the layer that we choose."""

    def __init__(self, network: Network, patches: NDArray[np.uint8]) -> None:
        from pytorch_grad_cam import GradCAM
        from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

        layer = GradCam().settled(network, images(patches[:1])).layer
        self.cam = GradCAM(network, [network.get_submodule(str(layer))])
        self.targets = [ClassifierOutputTarget(target) for target in (0, 1)]

    def __call__(self, patches: NDArray[np.uint8]) -> Maps:
        parts, wanted = [], classes(patches)
        for start in range(0, len(patches), BATCH):
            some = slice(start, start + BATCH)
            targets = [self.targets[target] for target in wanted[some]]
            parts.append(self.cam(images(patches[some]), targets))
        return np.concatenate(parts)


def correlations(one: Maps, other: Maps) -> NDArray[np.float64]:
    """The correlation of each pair of maps that are not empty."""
    kept = [(a.ravel(), b.ravel()) for a, b in zip(one, other, strict=True) if np.ptp(a) > 0]
    return np.array([np.corrcoef(a, b)[0, 1] for a, b in kept])


def median(values: NDArray[np.float64]) -> str:
    return f"{np.median(values):.6f}"


if __name__ == "__main__":
    main()
