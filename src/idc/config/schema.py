"""What each value of the configuration may be, of all apps; the YAML files say what it means.

A ``*`` in a name stands for anything. Of several names that fit, one without a ``*`` counts, else
the first.
"""

from fnmatch import fnmatchcase
from functools import cache

from idc.config.rules import (
    FLAG,
    MAPPING,
    NAME,
    NOT_NEGATIVE,
    OPEN_SHARE,
    PART,
    POSITIVE,
    SEED,
    SHARE,
    TEXT,
    Rule,
    either,
    list_of,
    number,
    one_of,
    optional,
    text,
    whole,
)
from idc.metrics.metric_names import METRIC_NAMES

MONITORS = tuple(
    f"{split}/{name}" for split in ("val", "train") for name in ("loss", *METRIC_NAMES)
)
PILLOWS_LIMIT = 89_478_485  # pixels from which on Pillow takes an image for an attack
AUTO_FLAG = one_of("auto", True, False)
LIMIT = either(whole(1), number(lambda v: isinstance(v, float) and 0 < v <= 1, "a share in (0, 1]"))
FILL = one_of("white", "black", "mean")
TAKEN_OUT = one_of("white", "grey", "mean", "black", "blur")
LEAK = one_of("fail", "warn", "drop")
TARGET = r"max_f1|youden|recall|precision|cost|fixed|(recall|precision)\s*>=\s*\S+"

RULES: dict[str, Rule] = {
    "name": optional(NAME),
    "resume": optional(TEXT),
    "run": TEXT,
    "runs": list_of(TEXT),
    # Of idc.compare a sweep's id, of idc.train a mapping.
    "sweep": either(optional(TEXT), MAPPING),
    "sweep.resume": optional(TEXT),
    "experiment_name": optional(NAME),
    "device": text(r"auto|cpu|mps|cuda(:\d+)?", "auto or cpu or cuda or cuda:1"),
    "report": FLAG,
    "verify": FLAG,
    "apply": FLAG,
    "known_patients": one_of("fail", "drop", "keep"),
    # A review.
    "mode": one_of("blinded", "open"),
    "order": one_of("random", "uncertainty", "suspects"),
    "count": optional(whole(1)),
    "select": TEXT,
    "readers": optional(list_of(NAME, least=1)),
    "host": TEXT,
    "port": whole(0, 65535),
    "ssl_certfile": optional(TEXT),
    "ssl_keyfile": optional(TEXT),
    "serve": FLAG,
    "export.least_readers": whole(1),
    "export.agreed": one_of("majority", "unanimous"),
    "export.exclude_unsure": FLAG,
    "export.blinded_only": FLAG,
    # Data.
    "data.root": optional(TEXT),
    "data.patch_size": whole(8),
    "data.image_size": whole(8),
    "data.edge": one_of("pad", "resize"),
    "data.max_pixels": whole(1, PILLOWS_LIMIT),
    "data.corrections": optional(TEXT),
    "data.patients": whole(1),
    "data.patches_per_patient": whole(4),
    "data.positive_fraction": OPEN_SHARE,
    "data.shuffle_labels": FLAG,
    "store.use": FLAG,
    "store.build": FLAG,
    "store.workers": either(one_of("auto"), whole(1)),
    **{
        f"audit.{name}": one_of("drop", "fail")
        for name in ("not_read", "bad_name", "unreadable", "truncated", "too_large")
    },
    "audit.limits": MAPPING,
    "audit.limits.near_bits": whole(0, 7),
    "audit.limits.near_difference": number(lambda v: 0 <= v <= 255, "a number from 0 to 255"),
    "audit.limits.*": PART,
    "audit.*": one_of("keep", "drop", "fail"),
    "split.test_patients": list_of(NAME),
    "split.val_patients": list_of(NAME),
    "split.test_fraction": OPEN_SHARE,
    "split.val_fraction": OPEN_SHARE,
    "split.folds": optional(either(whole(2), one_of("patients"))),
    "split.fold": whole(0),
    "split.train_fraction": PART,
    "split.train_by": one_of("patient", "patch"),
    "split.train_patients": optional(whole(1)),
    "split.file": TEXT,
    "split.others": one_of("fail", "unused"),
    "split.allow_leak": FLAG,
    "leaks.patients": LEAK,
    "leaks.duplicates": LEAK,
    "leaks.near_duplicates": LEAK,
    "loader.batch_size": whole(1),
    "loader.eval_batch_size": whole(1),
    "loader.num_workers": either(one_of("auto"), whole(0)),
    "loader.sampler": one_of("shuffle", "balanced"),
    "augment.transforms": list_of(MAPPING),
    "augment.device": one_of("cpu", "gpu"),
    "augment.mixup": NOT_NEGATIVE,
    "augment.cutmix": NOT_NEGATIVE,
    # The model and how it learns.
    "backbone.name": TEXT,
    "backbone.model": TEXT,
    "backbone.stem": one_of("standard", "small"),
    "backbone.channels": whole(1),
    "backbone.width": whole(1),
    "backbone.weights": optional(TEXT),
    "backbone.freeze": TEXT,
    "backbone.unfreeze_every": optional(whole(1)),
    "backbone.lr_factor": NOT_NEGATIVE,
    "backbone.normalize": one_of("imagenet", "train"),
    "backbone.bn_momentum": optional(OPEN_SHARE),
    "head.dropout": SHARE,
    "head.weight_decay": optional(NOT_NEGATIVE),
    "head.hidden": list_of(whole(1)),
    "head.batch_norm": FLAG,
    "loss.class_weights": optional(either(one_of("balanced"), list_of(POSITIVE, least=1))),
    "loss.label_smoothing": SHARE,
    "loss.gamma": NOT_NEGATIVE,
    "optimizer.lr": POSITIVE,
    "optimizer.weight_decay": NOT_NEGATIVE,
    "optimizer.momentum": SHARE,
    "optimizer.nesterov": FLAG,
    "optimizer.fused": AUTO_FLAG,
    "scheduler._partial_": FLAG,
    "scheduler.warmup": SHARE,
    "scheduler.final": SHARE,
    "scheduler.div_factor": POSITIVE,
    "scheduler.factor": OPEN_SHARE,
    "scheduler.every": whole(1),
    "scheduler.patience": whole(0),
    "trainer.accelerator": one_of("auto", "cpu", "gpu", "cuda", "mps"),
    "trainer.devices": either(
        one_of("auto", -1, "-1"), whole(1), text(r"[1-9]\d*", "a number"), list_of(whole(0), 1)
    ),
    "trainer.num_nodes": whole(1),
    "trainer.strategy": TEXT,
    "trainer.precision": NAME,
    "trainer.channels_last": AUTO_FLAG,
    "trainer.compile": AUTO_FLAG,
    "trainer.matmul_precision": one_of("auto", "highest", "high", "medium"),
    "trainer.max_epochs": whole(1),
    "trainer.max_time": optional(either(text(r"\d+(:\d\d){3}", "DD:HH:MM:SS"), MAPPING)),
    "trainer.gradient_clip_val": optional(POSITIVE),
    "trainer.accumulate_grad_batches": whole(1),
    "trainer.log_every_n_steps": whole(1),
    "trainer.check_val_every_n_epoch": whole(1),
    "trainer.limit_train_batches": LIMIT,
    "trainer.limit_val_batches": LIMIT,
    "trainer.num_sanity_val_steps": whole(-1),
    "trainer.deterministic": one_of("warn", True, False),
    "trainer.enable_progress_bar": FLAG,
    "callbacks.early_stopping.patience": optional(whole(0)),
    "callbacks.early_stopping.min_delta": NOT_NEGATIVE,
    "callbacks.ema.decay": optional(OPEN_SHARE),
    "monitor.metric": one_of(*MONITORS),
    "monitor.mode": one_of("max", "min"),
    # Decisions and their numbers.
    "calibration.method": one_of("none", "temperature", "platt", "isotonic"),
    "threshold.rule": text(
        TARGET, "max_f1, youden, recall, precision, cost, fixed, recall>=0.95 or precision>=0.9"
    ),
    "threshold.target": PART,
    "threshold.value": number(lambda v: 0 <= v <= 1, "a number from 0 to 1"),
    "threshold.false_negative_cost": POSITIVE,
    "threshold.false_positive_cost": POSITIVE,
    "inference.views": one_of("one", "d4"),
    "inference.dropout_samples": either(one_of(0), whole(2, 1000)),
    "intervals.draws": whole(0),
    "intervals.level": OPEN_SHARE,
    # Explanations.
    "explain.select": TEXT,
    "explain.per_kind": whole(0),
    "explain.count": optional(whole(1)),
    "explain.batch_size": whole(1),
    "explain.methods": MAPPING,
    "explain.methods.*.layer": optional(TEXT),
    "explain.methods.*.min_map": whole(1),
    "explain.methods.*.baseline": FILL,
    "explain.methods.*.baselines": list_of(FILL, least=1),
    "explain.methods.*.steps": whole(1),
    "explain.methods.*.samples": whole(1),
    "explain.methods.*.noise": NOT_NEGATIVE,
    "explain.methods.*.rows_at_once": whole(1),
    "explain.methods.*.superpixels": whole(1),
    "explain.methods.*.compactness": POSITIVE,
    "explain.methods.*.window": whole(1),
    "explain.methods.*.stride": whole(1),
    "explain.faithfulness.baselines": either(TAKEN_OUT, list_of(TAKEN_OUT, least=1)),
    "explain.faithfulness.least_gain": NOT_NEGATIVE,
    **{f"explain.faithfulness.{name}": PART for name in ("noise", "radius", "max_similarity")},
    **{f"explain.faithfulness.{name}": whole(0) for name in ("patches", "sensitivity_patches")},
    **{
        f"explain.faithfulness.{name}": whole(1)
        for name in ("steps", "random_maps", "perturbations", "shuffles")
    },
    "explain.regions.method": optional(TEXT),
    "explain.regions.share": OPEN_SHARE,
    "explain.regions.min_pixels": whole(1),
    "explain.regions.max_regions": whole(1),
    "explain.regions.pixel_size": optional(POSITIVE),
    "explain.features.patches": whole(0),
    "explain.features.layers": optional(list_of(TEXT, least=1)),
    "explain.features.channels": whole(1),
    "explain.features.units": whole(0),
    "explain.embedding.method": one_of("tsne", "pca", "umap", "none"),
    "explain.embedding.points": whole(5),
    "explain.slides.patients": either(whole(0), one_of("all"), list_of(NAME)),
    "explain.slides.method": optional(TEXT),
    "explain.slides.tiff": FLAG,
    "explain.slides.pixel_size": optional(POSITIVE),
    "explain.smoothing.use": FLAG,
    "explain.smoothing.draws": whole(0),
    "explain.smoothing.strengths.median": optional(list_of(whole(0))),
    "explain.smoothing.strengths.*": optional(list_of(NOT_NEGATIVE)),
    # Where things go.
    "paths.*": TEXT,
    "tracking.kind": one_of("local", "server", "none"),
    "tracking.uri": optional(TEXT),
    "tracking.experiment": NAME,
    "tracking.system_metrics_interval": POSITIVE,
    "tracking.*": FLAG,
    "launcher.jobs": whole(1),
    "launcher.partition": optional(TEXT),
    "launcher.gpus": whole(0),
    "launcher.cpus": whole(1),
    "launcher.memory_gb": POSITIVE,
    "launcher.minutes": whole(1),
    # Of any part.
    "*seed": SEED,
    "*_target_": TEXT,
}
PATTERNS = {name: rule for name, rule in RULES.items() if "*" in name}


@cache
def rule_for(name: str) -> Rule | None:
    """The rule for a value, by its dotted name; None for values of other people's classes."""
    if name in RULES:
        return RULES[name]
    return next((rule for p, rule in PATTERNS.items() if fnmatchcase(name, p)), None)
