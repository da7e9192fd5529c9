"""The pack for signature: what a run reached, what readers said of it, its limits, who signs."""

import json
import logging
from contextlib import suppress
from pathlib import Path
from typing import Any

import pandas as pd

from idc.config.build import Config
from idc.data.split.base import SPLITS, split_counts
from idc.data.tables import read_table
from idc.errors import CheckpointError, MissingArtifactError
from idc.metrics.definitions import METRIC_NAMES
from idc.pipelines.finished_run import required_store
from idc.pipelines.lifecycle import owning
from idc.reader_study.run_answers import FOLDER as REVIEW
from idc.reports.description import Place, with_section
from idc.reports.formats import interval_text, metric_name
from idc.reports.page import write_page
from idc.reports.pdf import print_pdf
from idc.reports.picture import Figures
from idc.runtime.outcome import Outcome
from idc.tracking.entities import RunRecord
from idc.tracking.integrity import DIGEST_TAG, logged_class_names
from idc.tracking.lookup import (
    KIND_TAG,
    all_metrics,
    fetch_artifact,
    find_run,
    list_artifacts,
)
from idc.tracking.mlflow_run import NOTE_TAG, MlflowRun
from idc.tracking.mlflow_store import MlflowStore

log = logging.getLogger(__name__)
KIND = FOLDER = "signoff"
KINDS = ("train", "evaluate")
FEW = 10  # test patients below which intervals say little
SLIDES = "explain/slides"
FIGURES = ("evaluation/confusion_matrix.png", "evaluation/per_patient.png")
TABLES = ("split.parquet", *(f"{REVIEW}/{name}.csv" for name in ("readers", "agreement")))
CORRECTIONS = f"{REVIEW}/corrections.csv"
PROVENANCE = {
    "code version": "idc.version",
    "code at git commit": "mlflow.source.git.commit",
    "command": "idc.command",
    "fingerprint of the data": "data.fingerprint",
    "PyTorch": "version.torch",
    "hardware": "host.kind",
}


def sign_off(config: Config, folder: Path) -> tuple[Path, Path | None]:
    """Write the pack of a finished run to `folder` and log it to that run.

    Returns:
        The page, and the PDF; None without a browser that prints it.

    Raises:
        CheckpointError: There is no such run, it has not finished, or it tested nothing.
        ConfigError: There is no tracking.
        TrackingError: The store does not answer.
    """
    store = required_store(config)
    record = find_run(store, config["run"])
    run_id = str(record.info.run_id)
    metrics = _metrics(store, record)
    with owning(folder, Outcome(KIND, run_id=run_id, kind=KIND)):
        files = folder / "restored"
        tables = _fetch(store, run_id, files)
        class_names = list(logged_class_names(record.data.tags, f"run={run_id}"))
        readers = tables.get(f"{REVIEW}/readers.csv")
        split = split_table(tables.get("split.parquet"), class_names)
        page = write_page(
            folder / FOLDER / "signoff.html",
            "signoff.html.j2",
            Figures(files, "evaluation", SLIDES),
            title=f"Sign-off: {record.info.run_name}",
            facts=_facts(record, metrics),
            warnings=_warnings(record, metrics, split),
            class_names=class_names,
            metrics=metrics,
            results=_results(metrics),
            split=split,
            readers=readers,
            agreement=tables.get(f"{REVIEW}/agreement.csv"),
            corrections=tables.get(CORRECTIONS),
            provenance=_provenance(record),
            purpose=config["purpose"],
            roles=config["roles"],
        )
        pdf = print_pdf(page) if config["pdf"] else None
        logged = MlflowRun(store, run_id, reopen=False)
        logged.artifacts(folder / FOLDER, FOLDER)
        read = 0 if readers is None else len(readers)
        words = f"A pack for signature was made, with {read} reader(s)."
        place = Place(run_id, str(record.info.experiment_id))
        note = str(record.data.tags.get(NOTE_TAG, ""))
        logged.tags({NOTE_TAG: with_section(note, "Sign-off", [words], FOLDER, place)})
    return page, pdf


def _metrics(store: MlflowStore, record: RunRecord) -> dict[str, float]:
    run_id, kind = record.info.run_id, record.data.tags.get(KIND_TAG, "train")
    if kind not in KINDS:
        raise CheckpointError(
            f"run={run_id}: this is a run of idc.{kind}; give one of idc.train or idc.evaluate."
        )
    if record.info.status != "FINISHED":
        raise CheckpointError(
            f"run={run_id}: this run is {record.info.status.lower()}; only a finished one can be "
            f"signed off. Resume it first (idc.train resume={run_id})."
        )
    metrics = all_metrics(store, record)
    if not any(f"test/{name}" in metrics for name in METRIC_NAMES):
        raise CheckpointError(f"run={run_id}: it has no test metrics, so there is nothing to sign.")
    return metrics


def _fetch(store: MlflowStore, run_id: str, folder: Path) -> dict[str, pd.DataFrame]:
    """Download the figures, and the tables there are."""
    slides = [
        name
        for name, _ in list_artifacts(store, run_id, SLIDES)
        if name.endswith(".png") and not name.endswith("_regions.png")
    ]
    for name in (*FIGURES, *slides[:1]):
        with suppress(MissingArtifactError):
            fetch_artifact(store, run_id, name, (folder / name).parent)
    tables = {}
    for name in (*TABLES, CORRECTIONS):
        with suppress(MissingArtifactError):
            tables[name] = read_table(fetch_artifact(store, run_id, name, (folder / name).parent))
    return tables


def _facts(record: RunRecord, metrics: dict[str, float]) -> dict[str, str]:
    params = record.data.params
    threshold = metrics.get("val/threshold")
    facts = {
        "model": params.get("backbone", ""),
        "data": params.get("data", ""),
        "threshold": "" if threshold is None else f"{threshold:.3f}",
        "run": str(record.info.run_id),
        "trained": str(pd.Timestamp(record.info.start_time, unit="ms").date()),
        "printed": str(pd.Timestamp.now().date()),
    }
    return {name: value for name, value in facts.items() if value}


def _warnings(record: RunRecord, metrics: dict[str, float], split: pd.DataFrame) -> dict[str, Any]:
    """What must be read before signing, by what the template says of it."""
    tags = record.data.tags
    patients = int(split["patients"].iloc[-1]) if len(split) else None
    baselines = {
        name.split("/")[1]: value
        for name, value in metrics.items()
        if name.startswith("baseline/") and name.endswith("/auroc")
    }
    best = max(baselines, key=lambda name: baselines[name], default=None)
    auroc = metrics.get("test/auroc")
    beaten = best is not None and auroc is not None and baselines[best] >= auroc
    return {
        "leaky": tags.get("leaky") == "true",
        "unknown": tags.get("data.patients", "known") != "known",
        "few": patients if patients is not None and patients < FEW else None,
        "drawn": record.data.params.get("data") == "synthetic",
        "dirty": tags.get("git.dirty") == "true",
        "baseline": (str(best).replace("_", " "), baselines[str(best)], auroc) if beaten else None,
    }


def _results(metrics: dict[str, float]) -> pd.DataFrame:
    """Each test metric with its interval."""
    rows = []
    for name in METRIC_NAMES:
        if (value := metrics.get(f"test/{name}")) is None:
            continue
        low, high = (metrics.get(f"test/{name}_ci_{end}") for end in ("low", "high"))
        interval = None if low is None or high is None else (low, high)
        rows.append((metric_name(name), f"{value:.3f}", interval_text(interval)))
    return pd.DataFrame(rows, columns=["metric", "test", "interval over patients"])


def split_table(split: pd.DataFrame | None, class_names: list[str]) -> pd.DataFrame:
    """Patients and patches of each split, and those of each class or with each label."""
    if split is None or not {"split", "patient", "label"} <= set(split):
        return pd.DataFrame()
    totals = split.groupby("split")["patient"].agg(patients="nunique", patches="size")
    of_class = split_counts(split, class_names)
    wide = of_class.pivot_table("patches", "split", "class", "first")[class_names]
    table: pd.DataFrame = totals.reindex(list(SPLITS), fill_value=0).join(wide).reset_index()
    return table


def _provenance(record: RunRecord) -> pd.DataFrame:
    tags = record.data.tags
    rows = [(name, tags[tag]) for name, tag in PROVENANCE.items() if tag in tags]
    digests = {k.removeprefix(DIGEST_TAG): v for k, v in tags.items() if k.startswith(DIGEST_TAG)}
    rows += [(f"SHA-256 of {name}", value) for name, value in sorted(digests.items())]
    kept = json.loads(tags.get("data.notes", "{}"))
    findings = "; ".join(f"{name} {count}" for name, count in kept.items())
    rows += [("findings of the data check", findings)] if findings else []
    return pd.DataFrame(rows, columns=["what", "value"])
