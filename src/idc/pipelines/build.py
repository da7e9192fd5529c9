"""From configuration to the objects that train: data module, network, LightningModule, trainer."""

import inspect
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import albumentations as A
import hydra.utils
import pytorch_lightning as pl
import torch
from lightning_fabric.utilities.exceptions import MisconfigurationException
from pytorch_lightning.profilers import PassThroughProfiler, Profiler
from torch import nn

from idc.config.build import Config, build
from idc.data.datamodule import PatchDataModule
from idc.data.device.augmentation import DeviceAugmentation
from idc.data.material import Material
from idc.errors import ConfigError, first_line
from idc.evaluation.inference import Inference
from idc.metrics.collection import build_metrics
from idc.models.backbone import Backbone, Freezing, set_batch_norm_momentum
from idc.models.classifier import Learning, PatchClassifier
from idc.models.heads import SingleOutput
from idc.models.losses import class_weights, positive_weights
from idc.models.network import Network
from idc.pipelines.callbacks import build_callbacks
from idc.pipelines.plugins import KINDS, build_loggers
from idc.runtime.checkpoint_io import AtomicCheckpointIO
from idc.runtime.hardware import (
    choose_channels_last,
    choose_compile,
    choose_fused,
    choose_matmul_precision,
    choose_precision,
    count_processes,
)

log = logging.getLogger(__name__)


def build_datamodule(config: Config, material: Material) -> PatchDataModule:
    """The loaders."""
    return PatchDataModule(
        material.patches,
        material.index,
        material.source.class_names,
        build_transforms(config),
        config["augment"]["device"],
        seed=config["seed"],
        **config["loader"],
    )


def build_transforms(config: Config) -> list[A.BasicTransform]:
    """The configured augmentation.

    Raises:
        ConfigError: A transform refuses its values, or cannot be done on the GPU as asked.
    """
    transforms = [
        build(node, f"augment.transforms[{i}]")
        for i, node in enumerate(config["augment"]["transforms"])
    ]
    if config["augment"]["device"] == "gpu":
        DeviceAugmentation(transforms, seed=0)
    return transforms


def build_network(
    config: Config,
    num_classes: int,
    statistics: tuple[Any, Any] | None = None,
    multi_label: bool = False,
) -> Network:
    """Preprocessing, backbone and head.

    Args:
        config: The resolved configuration.
        num_classes: Number of logits.
        statistics: Mean and deviation of the training patches, for ``normalize=train``.
        multi_label: Whether an image may be of several classes, or of none.

    Raises:
        ConfigError: An option does not fit the backbone.
        CheckpointError: The pretrained weights cannot be had or do not fit.
    """
    size = config["data"]["image_size"]
    backbone: Backbone = build(config["backbone"], "backbone", image_size=size)
    if (momentum := config["backbone"]["bn_momentum"]) is not None:
        set_batch_norm_momentum(backbone, momentum)
    head = _head(config, backbone.num_features, num_classes, multi_label)
    mean, std = statistics or (None, None)
    return Network(backbone, head, size, mean, std, multi_label)


def _head(config: Config, num_features: int, num_classes: int, multi_label: bool) -> nn.Module:
    outputs = config["head"]["outputs"] or num_classes
    if outputs != num_classes and ((outputs, num_classes) != (1, 2) or multi_label):
        have = "several labels per image" if multi_label else str(num_classes)
        raise ConfigError(
            f"head.outputs={outputs}: one output tells two classes apart, and the data have "
            f"{have}; set head.outputs=null."
        )
    head: nn.Module = build(config["head"], "head", num_features=num_features, num_classes=outputs)
    return head if outputs == num_classes else SingleOutput(head)


def check_backbone(config: Config) -> None:
    """Refuse a backbone that cannot be built as configured: by shapes, without data or weights.

    Raises:
        ConfigError: There is no such model, it cannot take ``data.image_size``, drops nothing
            where dropout is to be left on for the test, or ``backbone.freeze`` names no stage of
            it.
    """
    backbone = {**config["backbone"], "weights": None}
    with torch.device("meta"):
        network = build_network({**config, "backbone": backbone}, num_classes=2)
        for _, size in config["callbacks"]["resizing"]["sizes"] or ():
            _check_size(network, size)
    Freezing(network.backbone, config["backbone"]["freeze"])
    inference: Inference = build(config["inference"], "inference")
    inference.dropping_layers(network)


def _check_size(network: Network, size: int) -> None:
    """Refuse images of a size that the network cannot take in one of its phases."""
    full, network.image_size = network.image_size, size
    try:
        network.eval()(torch.zeros(2, 3, size, size))
    except (RuntimeError, ValueError) as error:
        raise ConfigError(
            f"callbacks.resizing.sizes: this backbone, built for {full} pixels, cannot take images "
            f"of {size} ({first_line(error)}). Give larger sizes, or a backbone that pools its "
            f"maps, such as vanilla_cnn."
        ) from error
    network.image_size = full


def build_classifier(
    config: Config, data: PatchDataModule, origin: Mapping[str, Any]
) -> PatchClassifier:
    """The LightningModule, with fresh or pretrained weights."""
    classes = len(data.class_names)
    statistics = data.channel_statistics() if config["backbone"]["normalize"] == "train" else None
    network = build_network(config, classes, statistics, data.multi_label)
    log.info(
        "backbone: %d features; pixels are normalised with mean %s and deviation %s (%s)",
        network.backbone.num_features,
        *(
            [round(value, 3) for value in part.flatten().tolist()]
            for part in (network.mean, network.std)
        ),
        "of the training patches" if statistics else "of the backbone",
    )
    if config["backbone"]["weights"] is None and config["backbone"]["freeze"] != "none":
        log.warning("backbone.freeze: with backbone.weights=null the frozen layers stay random")
    if choose_channels_last(config):
        network = network.to(memory_format=torch.channels_last)
    loss = _build_loss(config, data)
    optimizer = config["optimizer"]
    if "fused" in optimizer:
        optimizer = {**optimizer, "fused": choose_fused(config)}
    learning = Learning(
        optimizer=_partial(optimizer, "optimizer"),
        lr=config["optimizer"]["lr"],
        schedule=_partial(config["scheduler"], "scheduler"),
        monitor=config["monitor"]["metric"],
        mode=config["monitor"]["mode"],
        backbone_lr_factor=config["backbone"]["lr_factor"],
        layer_decay=config["backbone"]["layer_decay"],
        head_weight_decay=config["head"]["weight_decay"],
        mixup=config["augment"]["mixup"],
        cutmix=config["augment"]["cutmix"],
    )
    return PatchClassifier(
        network,
        loss,
        build_metrics(classes, multi_label=data.multi_label),
        learning,
        classes,
        config["backbone"]["freeze"],
        config["seed"],
        origin,
        choose_compile(config),
    )


def _build_loss(config: Config, data: PatchDataModule) -> nn.Module:
    counts, classes = data.train_class_counts(), len(data.class_names)
    given = config["loss"]["class_weights"]
    if data.multi_label:
        weights = positive_weights(given, counts, len(data.rows("train")))
    else:
        weights = class_weights(given, counts)
    if weights is not None and len(weights) != classes:
        raise ConfigError(
            f"loss.class_weights: {len(weights)} weights for {classes} classes; give one a class."
        )
    if not data.multi_label:
        loss = cast(nn.Module, build(config["loss"], "loss", weight=weights))
        if classes != 2 and getattr(loss, "two_classes_only", False):
            raise ConfigError(
                f"loss={config['choices'].get('loss')}: it is for two classes, or for several "
                f"labels per image; the data have {classes} classes. Set loss=cross_entropy."
            )
        return loss
    of_loss = inspect.signature(hydra.utils.get_class(config["loss"]["_target_"]))
    if "multi_label" not in of_loss.parameters:
        raise ConfigError(
            f"loss={config['choices'].get('loss')}: it is for one label per image, and these have "
            f"several (data.labels_joined_by). Set loss=cross_entropy."
        )
    return cast(nn.Module, build(config["loss"], "loss", weight=weights, multi_label=True))


def _partial(node: Mapping[str, Any], what: str) -> Any:
    return build({**node, "_partial_": True}, what)


def build_trainer(
    config: Config, folder: Path, tracked: bool, checkpoints: Path, batches: int
) -> pl.Trainer:
    """Lightning's Trainer with our callbacks and the defaults measured for this machine.

    Args:
        config: The resolved configuration.
        folder: The run's folder.
        tracked: Whether metrics will go anywhere; the logger is set when the run is open.
        checkpoints: Where checkpoints go.
        batches: Training batches an epoch.

    Raises:
        ConfigError: Lightning refuses a value.
    """
    node = dict(config["trainer"])
    for key in KINDS.keys() & node.keys():
        raise ConfigError(f"trainer.{key}: add it as +{key}.NAME._target_=CLASS.")
    plugins = node.pop("plugins", None) or []
    loggers = build_loggers(config, folder)
    node["precision"] = choose_precision(config)
    torch.set_float32_matmul_precision(choose_matmul_precision(config))
    # Deterministic algorithms also fill all new memory with NaN, to show who reads it unwritten: a
    # fifth of a training step on a CPU, and no result depends on it.
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    processes = count_processes(config)
    if node["devices"] == "auto":
        node["devices"] = processes
    # A small set has fewer steps an epoch than the usual interval: log at least once in each.
    node["log_every_n_steps"] = max(1, min(node["log_every_n_steps"], batches))
    unfreezes = config["backbone"].get("unfreeze_every") is not None
    if processes > 1 and node["strategy"] in ("auto", "ddp") and unfreezes:
        # Stages that are freed later must be known to DDP from the start.
        node["strategy"] = "ddp_find_unused_parameters_true"
    log.info(
        "trainer: %d process(es), precision %s, channels_last %s, compile %s",
        processes,
        node["precision"],
        choose_channels_last(config),
        choose_compile(config),
    )
    make = _partial(node, "trainer")
    try:
        trainer: pl.Trainer = make(
            logger=loggers,
            default_root_dir=folder,
            callbacks=build_callbacks(config, checkpoints, tracked or bool(loggers)),
            use_distributed_sampler=False,
            enable_model_summary=False,
            plugins=[AtomicCheckpointIO(), *plugins],
        )
    except (TypeError, ValueError, MisconfigurationException) as error:
        raise ConfigError(f"trainer: {first_line(error)}") from error
    profiler = getattr(trainer, "profiler", None)
    if isinstance(profiler, Profiler) and not isinstance(profiler, PassThroughProfiler):
        profiler.dirpath = profiler.dirpath or folder
        profiler.filename = profiler.filename or "profile"
    return trainer
