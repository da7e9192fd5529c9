"""A data set checked, packed and shown, as one run."""

import json
import logging
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pandas as pd

from idc.config.build import Config
from idc.data.audit.audit import usual_size
from idc.data.audit.policy import Decisions
from idc.data.corrections import PLACE, corrected_words
from idc.data.index import class_members
from idc.data.leaks import PATIENTS_UNKNOWN
from idc.data.sources.base import Scan, Source
from idc.data.store.store import Stored, verify
from idc.errors import first_line
from idc.pipelines.dataset import Preparation
from idc.pipelines.label_corrections import record_corrections
from idc.pipelines.lifecycle import build_redactor, configured_store
from idc.pipelines.next_step import assume_positive, propose_patients, training_command
from idc.pipelines.parameters import parameters
from idc.pipelines.pseudonyms import PATIENTS_TAG, patients_tag
from idc.pipelines.run_context import RunContext, tracked_run
from idc.pipelines.validate import check_values
from idc.reports.description import preparation_description
from idc.reports.eda_input import EdaInput
from idc.reports.eda_page import write_eda
from idc.runtime.atomic import replacing
from idc.runtime.outcome import Outcome
from idc.tracking.mlflow_run import NOTE_TAG
from idc.tracking.privacy import hidden_values
from idc.tracking.provenance import origin_tags

log = logging.getLogger(__name__)
KIND = "prepare"


def prepare(config: Config, folder: Path, name: str) -> tuple[Outcome, pd.DataFrame, str]:
    """Check, pack and show a set; index, findings and report go to `folder`, and are logged.

    Returns:
        The outcome, the findings with what was done about them (see `Decisions`), and the command
        that trains on the set.

    Raises:
        IdcError: The data, or a value, that the user can mend. Findings until then are kept.
    """
    check_values(config)
    store = configured_store(config)
    outcome = Outcome(name, kind=KIND)
    redactor = store.redactor if store else build_redactor(config)
    redactor.register_paths(hidden_values(config).values())
    context = RunContext(outcome, config, folder, redactor)
    with ExitStack() as stack:

        def begin() -> None:
            run = stack.enter_context(tracked_run(store, context))
            run.params(parameters(context.shown, KIND))
            run.tags({**origin_tags("idc.prepare", redactor.pseudonyms), "idc.kind": KIND})

        table, command = _work(context, begin)
        names, notes = outcome.class_names, outcome.notes
        note = preparation_description(outcome.metrics, names, table, notes, folder, context.place)
        context.run.tags({NOTE_TAG: note})
    return outcome, table, command


def _work(context: RunContext, begin: Callable[[], None]) -> tuple[pd.DataFrame, str]:
    config, folder, outcome = context.config, context.folder, context.outcome
    preparation = Preparation(config, context.redactor, stops=False)
    source = preparation.source
    if (assumed := assume_positive(source)) is not None:
        outcome.notes.append(
            f"The positive class is assumed to be {assumed}; training needs data.positive=NAME."
        )
    outcome.class_names = list(source.class_names)

    def check(scan: Scan) -> None:
        # A patient's name that does not exist is refused before hours are spent.
        preparation.settle(scan.index, scan.not_read)
        # Not sooner: a mistyped folder or patient leaves no run behind.
        begin()

    stored = preparation.bring(check, every_file=True)
    run = context.run
    if config["verify"] and stored.folder is not None:
        verify(stored)
        log.info("store: each of the %d patches is the one that was packed", len(stored.index))
    settled = preparation.settle(stored.index, stored.not_read)
    decisions, not_read = settled.decisions, preparation.nameable(stored.not_read)
    for some in not_read:
        log.warning("not read: %s", some)
    for what, files in stored.ignored.items():
        log.info("ignored: %d x %s", files, what)
    mark = stored.fingerprint
    if settled.corrections is not None:
        mark = preparation.fingerprint(stored, settled)
        outcome.notes.append(f"{PLACE}: {corrected_words(settled.index)}.")
    record_corrections(run, settled.corrections, settled.index, folder)
    if settled.no_split is not None:
        log.warning("no split can be made: %s", first_line(settled.no_split))
        why = context.redactor.text(first_line(settled.no_split))
        outcome.notes.append(f"No split can be made: {why}")
    if not source.patients_known:
        log.warning("patients: %s", PATIENTS_UNKNOWN)
        outcome.notes.append(PATIENTS_UNKNOWN)
    index = settled.index.assign(decision=np.where(decisions.keep, "keep", "drop"))
    with replacing(folder / "index.parquet") as path:
        index.to_parquet(path, index=False)
    with replacing(folder / "audit.csv") as path:
        decisions.table.to_csv(path, index=False)
    for name in ("index.parquet", "audit.csv"):
        run.artifacts(folder / name)
    outcome.metrics = _counts(index, source, decisions, stored)
    run.metrics(outcome.metrics)
    run.tags(
        {
            "data.fingerprint": mark,
            "data.notes": json.dumps(decisions.notes()),
            "data.class_names": json.dumps(source.class_names),
            PATIENTS_TAG: patients_tag(source),
        }
    )
    patterns = None if preparation.names else propose_patients(source, stored.index)
    command = training_command(config, source, stored.index, decisions.table, patterns)
    if config["report"]:
        contents = EdaInput(
            name=source.card.title,
            class_names=source.class_names,
            index=index,
            patches=stored.patches,
            findings=decisions.table,
            published=published_counts(index, source),
            patch_size=max(usual_size(index)),
            seed=config["seed"],
            facts={
                "fingerprint": mark,
                "files read now": f"{stored.read:,}",
                "audit": str(config["choices"].get("audit")),
                "split": str(config["choices"].get("split")),
            },
            notes=tuple(map(context.redactor.text, outcome.notes)),
            patients_known=source.patients_known,
            h_and_e=source.card.is_h_and_e,
            patterns=patterns,
            command=context.redactor.text(command),
            not_read=not_read,
            ignored=stored.ignored,
        )
        run.artifacts(write_eda(contents, folder / "report").parent, "report")
    preparation.refuse(stored.index, settled.index, stored.not_read)
    return decisions.table, command


def _counts(
    index: pd.DataFrame, source: Source, decisions: Decisions, stored: Stored
) -> dict[str, float]:
    counts: dict[str, float] = {
        "data/patches": len(index),
        "data/patients": index["patient"].nunique(),
        "data/files_read": stored.read,
        "data/dropped": int((~decisions.keep).sum()),
        "data/ignored_files": sum(stored.ignored.values()),
    }
    for label, count in enumerate(class_members(index, source.class_names).sum(0)):
        counts[f"data/class_{label}"] = int(count)
    for row in decisions.table.to_dict("records"):
        counts[f"audit/{row['finding']}"] = row["patches"]
    return counts


def published_counts(index: pd.DataFrame, source: Source) -> pd.DataFrame | None:
    """The counts of the set as published and here: ``count``, ``published``, ``here``; or None."""
    card, rows = source.card, []
    of_class = class_members(index, source.class_names).sum(0)
    if card.images is not None:
        rows.append(("patches", card.images, len(index)))
    if card.per_class:
        rows += [
            (f"patches, {name}", card.per_class[name], int(count))
            for name, count in zip(source.class_names, of_class, strict=True)
            if name in card.per_class
        ]
    if card.patients is not None:
        rows.append(("patients", card.patients, index["patient"].nunique()))
    return pd.DataFrame(rows, columns=["count", "published", "here"]) if rows else None
