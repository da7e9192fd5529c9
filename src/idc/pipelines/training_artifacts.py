"""What a training leaves behind: in its folder, then, in the same layout, in MLflow."""

import json
import logging
from collections.abc import Mapping, Sequence

import yaml

from idc.config.stored import storable
from idc.data.corrections import NAME as CORRECTIONS
from idc.data.datamodule import PatchDataModule
from idc.data.facts import COLOURS, HASHES, SHARES
from idc.data.files import FILE_FACTS
from idc.data.index import class_members
from idc.data.material import Material
from idc.data.split.base import SPLITS
from idc.data.split.predefined import write_split_csv
from idc.evaluation.figures import data_figures, learning_figures
from idc.models.history import History
from idc.pipelines.callbacks import CHECKPOINTS
from idc.pipelines.label_corrections import record_corrections
from idc.pipelines.parameters import parameters, split_parameters
from idc.pipelines.pseudonyms import PATIENTS_TAG, names_tags, patients_tag
from idc.pipelines.run_context import RunContext
from idc.runtime.atomic import replacing, write_text
from idc.runtime.cluster import JOB_TAG, slurm_job
from idc.runtime.drawing import save_figures
from idc.tracking.integrity import CLASSES_TAG, digest_tags
from idc.tracking.local_paths import START, save_hidden_paths
from idc.tracking.provenance import origin_tags
from idc.tracking.run_protocol import Run

log = logging.getLogger(__name__)
NOT_IN_SPLIT = ("problem", "duplicate_of", *FILE_FACTS, *COLOURS, *SHARES, *HASHES)


def record_config(context: RunContext, settings: Mapping[str, str] | None = None) -> None:
    """Log the configuration; a resumed run (`settings` None) keeps its own settings."""
    run = context.run
    if settings is not None:
        run.tags({"idc.settings": json.dumps(settings)})
    if not settings and (job := slurm_job()) is not None:
        run.tags({JOB_TAG: job})
    record_config_file(context)


def save_start(context: RunContext, mirrors: Mapping[str, str]) -> None:
    """Save to the run's folder what it needs to be started anew by its id."""
    save_hidden_paths(context.config, context.folder)
    start = {"config": storable(context.shown), "mirrors": dict(mirrors)}
    write_text(context.folder / START, json.dumps(start) + "\n")


def record_config_file(context: RunContext) -> None:
    """Write and log ``config.yaml``."""
    file = context.folder / "config.yaml"
    write_text(file, yaml.safe_dump(context.shown, sort_keys=False))
    context.run.artifacts(file)


def record_inputs(
    context: RunContext,
    settings: Mapping[str, str],
    material: Material,
    data: PatchDataModule,
    again: bool = False,
) -> None:
    """Log parameters, origin, split, data and their figures; `again` leaves out the data sets."""
    run, config, folder, redactor = context.run, context.config, context.folder, context.redactor
    run.params({**parameters(context.shown), **settings, **split_parameters(material)})
    run.tags(origin_tags(pseudonyms=redactor.pseudonyms))
    run.tags(
        {
            **material_tags(material, material.source.class_names),
            PATIENTS_TAG: patients_tag(material.source),
            **names_tags(redactor.pseudonyms),
        }
    )
    split = material.used.drop(columns=[c for c in NOT_IN_SPLIT if c in material.index])
    with replacing(folder / "split.parquet") as path:
        split.to_parquet(path, index=False)
    with replacing(folder / "split.csv") as path:
        write_split_csv(material.index, path, material.decisions.keep)
    for name in ("split.parquet", "split.csv"):
        run.artifacts(folder / name)
    record_corrections(run, material.corrections, material.index, folder)
    run.tags(digest_tags(folder, ("split.parquet", "split.csv", CORRECTIONS)))
    run.metrics({f"leaks/{kind}": count for kind, count in material.leaks.counts().items()})
    if not again:
        _record_datasets(run, material, list(map(str, split)))
    if config["report"]:
        save_figures(data_figures(material, data, config["seed"]), folder / "data")
        run.artifacts(folder / "data", "data")


def material_tags(material: Material, class_names: Sequence[str]) -> dict[str, str]:
    """Tags with the identity of a run's data; the classes are those of its network."""
    return {
        "data.fingerprint": material.fingerprint,
        "data.notes": json.dumps(material.decisions.notes()),
        CLASSES_TAG: json.dumps(list(class_names)),
        "data.task": "multi-label" if material.source.multi_label else "single-label",
        "leaky": str(material.leaky).lower(),
    }


def _record_datasets(run: Run, material: Material, columns: Sequence[str]) -> None:
    schema = json.dumps({"mlflow_colspec": [{"name": c, "type": "string"} for c in columns]})
    for split in SPLITS:
        part = material.rows(split)
        names = material.source.class_names
        counts = class_members(part, names).sum(0)
        profile = {
            "patches": len(part),
            "patients": int(part["patient"].nunique()),
            **{
                f"class {i} ({name})": int(count)
                for i, (name, count) in enumerate(zip(names, counts, strict=True))
            },
        }
        digest = f"{material.fingerprint}-{split}"
        run.dataset(material.source.name, digest, split, json.dumps(profile), schema)


def record_training(context: RunContext, history: History) -> None:
    """Log learning curves and checkpoints, also of a training that was cut short."""
    table = history.table()
    if table.empty:
        return
    run, config, target = context.run, context.config, context.folder / "training"
    target.mkdir(exist_ok=True)
    with replacing(target / "history.csv") as path:
        table.to_csv(path, index=False)
    monitor = config["monitor"]
    if config["report"]:
        save_figures(learning_figures(history, monitor["metric"], monitor["mode"]), target)
    run.artifacts(target, "training")
    run.tags(digest_tags(context.folder, ("training/history.csv",)))
    if config["tracking"]["log_checkpoints"]:
        run.artifacts(context.folder / CHECKPOINTS, CHECKPOINTS)
