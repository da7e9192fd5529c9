"""What an epoch of each recipe costs on this machine: patches a second, and seconds an epoch.

python benchmarks/recipe_cost.py [--quick] DIR

DIR is the folder of the IDC patches. Each network trains for some batches with all that the app
trains with, validation and evaluation left out; the epoch is that of one of five folds.
"""

import argparse
from pathlib import Path

from common import scratch
from training import configure, load_material, train

RECIPES = {
    "capstone, VGG19, nothing frozen": (
        "experiment=capstone",
        "backbone.weights=null",
        "backbone.freeze=none",
    ),
    "capstone, VGG16, six layers frozen": (
        "experiment=capstone",
        "backbone=vgg16",
        "backbone.weights=null",
    ),
    "scratch_cnn": ("experiment=scratch_cnn",),
    "resnet18": ("backbone=resnet18",),
    "mobilenet_v3_small": ("backbone=mobilenet_v3_small",),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer batches")
    parser.add_argument("root", type=Path)
    given = parser.parse_args()
    steps, skip = (4, 2) if given.quick else (24, 4)
    data = ("data=idc", f"data.root={given.root}", "split.folds=5")
    for name, changes in RECIPES.items():
        config = configure(
            scratch(),
            *data,
            *changes,
            "trainer.max_epochs=1",
            f"trainer.limit_train_batches={steps + skip}",
            "trainer.limit_val_batches=1",
        )
        material = load_material(config)
        patches, rate = len(material.rows("train")), train(config, material, skip)
        print(
            f"{name}: {rate:,.0f} patches/s, {patches / rate:,.0f} s an epoch of {patches:,}",
            flush=True,
        )


if __name__ == "__main__":
    main()
