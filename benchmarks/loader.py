"""How fast patches come to the model: from the store, against a folder of PNGs.

python benchmarks/loader.py [--quick]

The baseline is torchvision's ImageFolder (PIL decodes each file) with the same albumentations
pipeline, the same two workers and the same batches. ``alone`` is augmentation of arrays that lie in
memory, in as many processes, without a loader: what no feeding can beat.
"""

import statistics
import time
from collections.abc import Callable, Iterable
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import torch
from common import arguments, png_folder, scratch, tell
from numpy.typing import NDArray
from torch.utils.data import DataLoader
from torchvision.datasets import ImageFolder

from idc.config.build import build
from idc.config.schema.data import Limits
from idc.config.schema.option import defaults
from idc.data.augment import Augmentation
from idc.data.datamodule import PatchDataModule
from idc.data.sources.idc import IdcSource
from idc.data.store.store import build_store
from idc.runtime.progress import progress_bar

WORKERS, BATCH = 2, 256


def main() -> None:
    quick = arguments(__doc__).quick
    count, repeats = (6_000, 3) if quick else (40_000, 5)
    root = png_folder(count)
    source = IdcSource(root)
    stored = build_store(source, scratch() / "stores", defaults(Limits), WORKERS, progress_bar)
    index = stored.index.assign(split="train")
    torch.set_num_threads(1)
    for name in ("light", "strong"):
        ours, theirs, alone = [], [], []
        # In turns, so that a slow minute of the machine meets all of them.
        data = PatchDataModule(
            stored.patches,
            index,
            source.class_names,
            transforms(name),
            batch_size=BATCH,
            num_workers=WORKERS,
        )
        loaders = data.train_dataloader(), folder_loader(root, name)
        for loader in loaders:
            epoch(loader, 20 * BATCH)  # workers start, files come to the cache
        for _ in range(repeats):
            ours.append(epoch(loaders[0], count))
            theirs.append(epoch(loaders[1], count if not quick else count // 2))
            alone.append(augment_alone(stored.patches, name, count))
        rate, folder, bare = map(statistics.median, (ours, theirs, alone))
        what = f"store, {rate:,.0f} patches/s"
        tell(f"loader_{name}", rate / folder, what, f"ImageFolder, {folder:,.0f} patches/s")
        tell(
            f"loader_{name}_alone", rate / bare, what, f"augmentation alone, {bare:,.0f} patches/s"
        )


def transforms(name: str) -> list[object]:
    """The transforms of a configured augmentation."""
    import yaml

    from idc.config.tree import conf_dir

    node = yaml.safe_load((Path(conf_dir()) / "augment" / f"{name}.yaml").read_text())
    return [build(entry, name) for entry in node["transforms"]]


class Decoded:
    """An ImageFolder's transform: a PIL image to an augmented tensor."""

    def __init__(self, name: str) -> None:
        import albumentations as A

        self.pipeline = A.Compose([*transforms(name), A.pytorch.ToTensorV2()])

    def __call__(self, image: object) -> torch.Tensor:
        tensor: torch.Tensor = self.pipeline(image=np.array(image))["image"]
        return tensor


def folder_loader(
    root: Path, name: str, batch_size: int = BATCH, workers: int = WORKERS
) -> DataLoader[object]:
    """What most projects have; the patients' folders stand in for classes."""
    return DataLoader(
        ImageFolder(str(root), Decoded(name)),
        batch_size,
        shuffle=True,
        num_workers=workers,
        persistent_workers=True,
        prefetch_factor=4,
        pin_memory=torch.cuda.is_available(),
        drop_last=True,
    )


def epoch(loader: Iterable[object], limit: int) -> float:
    """Patches a second over up to an epoch."""
    start, seen = time.perf_counter(), 0
    for batch in loader:
        seen += len(batch["image"] if isinstance(batch, dict) else batch[0])
        if seen >= limit:
            break
    return seen / (time.perf_counter() - start)


def augment_alone(patches: NDArray[np.uint8], name: str, count: int) -> float:
    """Patches a second that the processes augment, without moving them anywhere."""
    share = patches[: count // WORKERS]
    with get_context("fork").Pool(WORKERS) as pool:
        return sum(pool.starmap(_augment, [(share, name)] * WORKERS))


def _augment(patches: NDArray[np.uint8], name: str) -> float:
    patches = np.array(patches)
    augment: Callable[..., object] = Augmentation(transforms(name), 0)
    start = time.perf_counter()
    for first in range(0, len(patches), BATCH):
        augment(patches[first : first + BATCH], first)
    return len(patches) / (time.perf_counter() - start)


if __name__ == "__main__":
    main()
