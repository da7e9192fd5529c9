"""A run's parameters in MLflow: what runs are compared by; ``config.yaml`` has everything.

The rule: the options in `COMPARED`, every other option that differs from the default of the run's
choices, and what follows from data and machine (sizes of the splits, number of weights, device).
"""

from collections.abc import Mapping
from typing import Any

import pytorch_lightning as pl
import torch
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException
from torch import nn

from idc.config.build import Config
from idc.config.tree import chosen_tree, default_choices
from idc.data.index import class_members
from idc.data.material import Material
from idc.data.split.base import SPLITS
from idc.tracking.provenance import flatten

# Logged whatever their value; a name without a dot is a choice.
COMPARED = (
    *("data", "backbone", "seed", "split", "augment", "head", "loss", "optimizer", "scheduler"),
    *("backbone.weights", "backbone.freeze", "optimizer.lr", "optimizer.weight_decay"),
    *("trainer.max_epochs", "loader.batch_size", "data.image_size", "augment.transforms"),
    *("split.folds", "split.fold", "threshold.rule", "calibration", "inference", "audit"),
)
# Of this machine and command, and wiring: Python paths, copies of values that a source gets.
LEFT_OUT = ("paths", "store", "choices", "tracking", "sweep", "search", "resume", "name", "logger")
CHOICES_LEFT_OUT = ("launcher", "tracking", "experiment", "search", "hydra")
COPIES = "data.source."
ABSENT = object()


def parameters(config: Config, app: str = "train") -> dict[str, Any]:
    """The options that runs are compared by, the most important first.

    The configuration is one that may be logged.

    Returns:
        Names to values, as on a command line: ``optimizer.lr``. Augmentations are named.
    """
    chosen = {k: v for k, v in config["choices"].items() if v is not None}
    values = {
        name: value
        for name, value in flatten({k: v for k, v in config.items() if k not in LEFT_OUT}).items()
        if not name.startswith(COPIES) and not name.rpartition(".")[2].startswith("_")
    }
    tree = flatten(chosen_tree(chosen, app))
    own = {name for name, value in values.items() if not _is_default(name, value, tree, config)}
    usual = default_choices(app)
    own |= {k for k in chosen if k not in CHOICES_LEFT_OUT and chosen[k] != usual.get(k)}
    if "augment" in config:
        nodes = config["augment"]["transforms"]
        names = [node["_target_"].rpartition(".")[2] for node in nodes]
        values["augment.transforms"] = ", ".join(names) or "none"
    values |= chosen
    order = (*COMPARED, *sorted(own.difference(COMPARED)))
    return {name: values[name] for name in order if name in values}


def split_parameters(material: Material) -> dict[str, int]:
    """Numbers of patches and patients of each split, and of its patches of each class."""
    sizes: dict[str, int] = {}
    for split in SPLITS:
        part = material.rows(split)
        sizes[f"split.{split}.patches"] = len(part)
        sizes[f"split.{split}.patients"] = int(part["patient"].nunique())
        for i, count in enumerate(class_members(part, material.source.class_names).sum(0)):
            sizes[f"split.{split}.class_{i}"] = int(count)
    return sizes


def network_parameters(network: nn.Module, trainer: pl.Trainer) -> dict[str, int | str]:
    """Number of weights, and what ``auto`` has become: device, precision and processes."""
    device = trainer.strategy.root_device
    gpu = torch.cuda.get_device_name(device) if device.type == "cuda" else ""
    return {
        "network.weights": sum(weight.numel() for weight in network.parameters()),
        "device": gpu or device.type,
        "devices": trainer.world_size,
        "precision": str(trainer.precision),
    }


def _is_default(name: str, value: Any, tree: Mapping[str, Any], config: Config) -> bool:
    default = tree.get(name, ABSENT)
    if not isinstance(default, str) or "${" not in default:
        return bool(default == value)
    # It follows other options: the default is what it follows from theirs.
    options = OmegaConf.create({k: v for k, v in config.items() if k != "choices"})
    OmegaConf.update(options, name, default)
    try:
        return bool(OmegaConf.select(options, name) == value)
    except OmegaConfBaseException:
        return False
