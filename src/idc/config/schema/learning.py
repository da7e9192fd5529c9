"""Options of the model and of how it learns."""

from typing import Annotated, Any, Literal

from idc.config.rules import MAPPING, TEXT, either, list_of, number, one_of, text, whole
from idc.config.schema.kinds import (
    AtLeast0,
    AtLeast1,
    Batches,
    Name,
    NotNegative,
    OpenShare,
    Part,
    Positive,
    Share,
)
from idc.config.schema.option import option, part
from idc.metrics.definitions import METRIC_NAMES

MONITORS = tuple(
    f"{split}/{name}" for split in ("val", "train") for name in ("loss", *METRIC_NAMES)
)
Monitored = Annotated[str, one_of(*MONITORS)]
Mode = Literal["max", "min"]
AutoFlag = Literal["auto", True, False]
Devices = Annotated[
    Any,
    either(
        one_of("auto", -1, "-1"),
        whole(1),
        text(r"[1-9]\d*", "a number"),
        list_of(whole(0), least=1),
    ),
]
Phases = Annotated[list[Any], list_of(list_of(whole(0), least=2), least=1)]
Frozen = Annotated[str | int, either(TEXT, whole(1))]
Weights = Annotated[list[float], list_of(number(lambda v: v > 0, "a number above 0"), least=1)]
Duration = Annotated[Any, either(text(r"\d+(:\d\d){3}", "DD:HH:MM:SS"), MAPPING)]


@part
class Backbone:
    """The network that sees the patch."""

    name: str = option(help="which network of its family")
    model: str = option(help="timm: the model's name")
    stem: Literal["standard", "small"] = option(help="ResNets: small has stride 1, no max-pool")
    channels: AtLeast1 = option(help="simple_cnn: channels of the first stage")
    width: AtLeast1 = option(help="vanilla_cnn: channels of the first stage")
    weights: str | None = option(None, "null | imagenet | a state_dict file")
    freeze: Frozen = option(
        "none", "none | all | a stage: it and all before it | a number: the first layers", own=True
    )
    unfreeze_every: AtLeast1 | None = option(
        None, "epochs after which one more stage (or layer) learns, from the last on", own=True
    )
    lr_factor: NotNegative = option(1.0, "learning rate as a share of the head's", own=True)
    layer_decay: Part = option(
        1.0, "learning rate of each stage as a share of that of the next", own=True
    )
    normalize: Literal["imagenet", "train"] = option(
        "imagenet", "mean and deviation: as the weights expect | of the training patches", own=True
    )
    bn_momentum: OpenShare | None = option(
        None, "of batch norm; null keeps the library's (MobileNetV3's 0.01 is slow)", own=True
    )


@part
class Head:
    """What turns features into class scores."""

    dropout: Share = option(help="share of features left out in training")
    hidden: list[AtLeast1] = option(help="mlp: sizes of the hidden layers")
    batch_norm: bool = option(help="mlp: batch norm in the hidden layers")
    outputs: Literal[1] | None = option(
        None,
        "1: one output, whose sigmoid is the positive class's score; null: one per class",
        own=True,
    )
    weight_decay: NotNegative | None = option(
        None, "L2 of the head; null takes the optimizer's", own=True
    )


@part
class Loss:
    """What training minimises."""

    class_weights: Literal["balanced"] | Weights | None = option(
        None, "null | balanced | one weight per class, [w0,w1]", own=True
    )
    label_smoothing: Share = option(0.0, "share of the label spread over all classes")
    gamma: NotNegative = option(help="focal: how little easy patches count")
    gamma_positive: NotNegative = option(help="asymmetric: how little easy positives count")
    gamma_negative: NotNegative = option(help="asymmetric: how little easy negatives count")
    margin: Share = option(help="asymmetric: probability up to which negatives do not count")
    contrastive_weight: NotNegative = option(
        help="supcon: what the contrastive part counts; the cross-entropy counts 1"
    )
    temperature: Positive = option(help="supcon: temperature of the similarities")


@part
class Optimizer:
    """A class of torch.optim; its other arguments are added as +optimizer.NAME=VALUE."""

    lr: Positive = option(1.0e-3, "learning rate")
    weight_decay: NotNegative = option(0.0, "L2")
    momentum: Share = option(help="sgd, rmsprop")
    nesterov: bool = option(help="sgd")
    fused: AutoFlag = option(help="adam, adamw, sgd: one kernel for all parameters")


@part
class Scheduler:
    """How the learning rate changes."""

    _partial_: bool = option(True)
    warmup: Share = option(help="cosine, one_cycle: share of the steps")
    final: Share = option(help="cosine: last rate as a share of the first")
    div_factor: Positive = option(help="one_cycle: highest rate over the first")
    patience: AtLeast0 = option(help="plateau: epochs without a better monitor")
    every: AtLeast1 = option(help="step: epochs between two steps")
    factor: OpenShare = option(help="plateau, step: what the rate is multiplied by")


@part
class Trainer:
    """Lightning's Trainer; its other arguments are added as +trainer.NAME=VALUE."""

    _target_: str = option("pytorch_lightning.Trainer")
    accelerator: Literal["auto", "cpu", "gpu", "cuda", "mps"] = option("auto", "kind of device")
    devices: Devices = option("auto", "how many, or which: 2 | [0,1] | -1 for all")
    num_nodes: AtLeast1 = option(1, "machines")
    strategy: str = option("auto", "auto | ddp | another of Lightning's")
    precision: Name = option("auto", "auto (measured per device) | 32 | 16-mixed | bf16-mixed")
    channels_last: AutoFlag = option("auto", "memory format; auto as measured", own=True)
    compile: AutoFlag = option("auto", "torch.compile of the network", own=True)
    matmul_precision: Literal["auto", "highest", "high", "medium"] = option(
        "auto", "high: TF32 on GPUs", own=True
    )
    max_epochs: AtLeast1 = option(8, "epochs at most")
    max_time: Duration | None = option(None, "time at most, DD:HH:MM:SS")
    gradient_clip_val: Positive | None = option(None, "largest norm of the gradient")
    accumulate_grad_batches: AtLeast1 = option(1, "batches per optimizer step")
    log_every_n_steps: AtLeast1 = option(50, "steps between logged values")
    check_val_every_n_epoch: AtLeast1 = option(1, "epochs between validations")
    limit_train_batches: Batches = option(1.0, "training batches per epoch: a share, or a number")
    limit_val_batches: Batches = option(1.0, "validation batches: a share, or a number")
    num_sanity_val_steps: Annotated[int, whole(-1)] = option(0, "validation batches beforehand")
    deterministic: Literal["warn", True, False] = option(
        "warn", "true stops at an operation that cannot be; false is faster on a GPU"
    )
    enable_progress_bar: bool = option(True, "show a progress bar")
    profiler: Literal["simple", "advanced", "pytorch"] | dict[str, Any] | None = option(
        None, "simple | advanced | a profiler's _target_; its report lies in the run's folder"
    )


@part
class EarlyStopping:
    """Ends training when the monitor gets no better."""

    _target_: str = option("pytorch_lightning.callbacks.EarlyStopping")
    monitor: Monitored = option("${monitor.metric}", "what is watched")
    mode: Mode = option("${monitor.mode}", "whether more of it is better")
    patience: AtLeast0 | None = option(5, "epochs without a better monitor; null turns it off")
    min_delta: NotNegative = option(0.0, "what counts as better")


@part
class Averaging:
    """Exponential moving average of the weights, which is validated, kept and tested."""

    _target_: str = option("pytorch_lightning.callbacks.EMAWeightAveraging")
    decay: OpenShare | None = option(None, "such as 0.99; null turns it off")


@part
class Resizing:
    """Progressive resizing: small images in the first epochs."""

    _target_: str = option("idc.models.progressive_resizing.ProgressiveResizing")
    sizes: Phases | None = option(
        None, "[[0,24],[4,50]]: epoch, side of the images from it on; null turns it off"
    )
    batches: bool = option(True, "batch size and learning rate rise as the images get smaller")


@part
class Callbacks:
    """Lightning callbacks; others are added as +callbacks.NAME._target_=CLASS."""

    early_stopping: EarlyStopping
    ema: Averaging
    resizing: Resizing


@part
class Monitor:
    """What training watches: early stopping, the best checkpoint, plateau schedules."""

    metric: Monitored = option("val/f1", "val/auroc, val/loss, ...")
    mode: Mode = option("max", "whether more is better")
