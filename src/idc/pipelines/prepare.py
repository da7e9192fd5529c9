"""A data set checked, packed and shown, as one run."""

import json
import logging
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import pandas as pd

from idc.config.build import Config, build
from idc.data.audit.audit import usual_size
from idc.data.audit.policy import Decisions
from idc.data.corrected import corrected_words
from idc.data.corrections import PLACE
from idc.data.sources.base import NotRead, Scan, Source
from idc.data.store.store import Stored, verify
from idc.errors import DataError, first_line
from idc.pipelines.dataset import build_policy, identity, inspect, nameable
from idc.pipelines.label_corrections import (
    build_corrections,
    corrected,
    fit_to_log,
    record_corrections,
)
from idc.pipelines.lifecycle import LOG_FILE, build_redactor, configured_store, lifecycle
from idc.pipelines.pseudonyms import build_splitter, hide_patients
from idc.pipelines.split import divide
from idc.pipelines.validate import check_values
from idc.reports.eda_input import EdaInput
from idc.reports.eda_page import write_eda
from idc.runtime import signals
from idc.runtime.atomic import replacing
from idc.runtime.outcome import Outcome
from idc.tracking.alive import locked
from idc.tracking.mlflow_run import MlflowRun, NoRun, Run
from idc.tracking.privacy import Redactor, hidden_values
from idc.tracking.provenance import flatten, origin_tags

log = logging.getLogger(__name__)
KIND = "prepare"
NOT_PARAMETERS = ("paths", "choices", "tracking", "store", "name")


def prepare(config: Config, folder: Path, name: str) -> tuple[Outcome, pd.DataFrame]:
    """Check, pack and show a set.

    Args:
        config: The resolved configuration.
        folder: Where ``index.parquet``, ``audit.csv`` and ``report/`` go; they are logged too.
        name: The run's name.

    Returns:
        The outcome, and the findings with what was done about them; see `Decisions`.

    Raises:
        IdcError: The data, or a value, that the user can mend. What was found until then is kept.
    """
    check_values(config)
    store = configured_store(config)
    outcome = Outcome(name, kind=KIND)
    redactor = (
        store.redactor if store else build_redactor(config["tracking"], config["paths"]["root"])
    )
    redactor.register_paths(hidden_values(config).values())
    with ExitStack() as stack:

        def begin() -> Run:
            with signals.deferred():  # a run that is open will be closed
                run: Run = NoRun() if store is None else MlflowRun(store, name=name)
                outcome.run_id = run.run_id
                mlruns = Path(config["paths"]["mlruns"])
                stack.enter_context(locked(mlruns, run.run_id, "run"))
                stack.enter_context(lifecycle(run, outcome, folder, LOG_FILE))
            shown = redactor.config(config)
            chosen = {k: v for k, v in shown.items() if k not in NOT_PARAMETERS}
            values = flatten(chosen).items()
            run.params({k: v for k, v in values if not k.startswith("data.source.")})
            run.tags({**origin_tags("idc.prepare", redactor.pseudonyms), "idc.kind": KIND})
            return run

        table = _work(config, begin, folder, outcome, redactor)
    return outcome, table


def _work(
    config: Config,
    begin: Callable[[], Run],
    folder: Path,
    outcome: Outcome,
    redactor: Redactor,
) -> pd.DataFrame:
    source: Source = build(config["data"]["source"], "data")
    names = redactor.pseudonyms
    policy, corrections = build_policy(config), build_corrections(config)
    outcome.class_names = list(source.class_names)
    opened: list[Run] = []

    def check(scan: Scan) -> None:
        index = scan.index
        redactor.register_patients(index["patient"].unique())
        used = corrected(index, corrections, source, names)
        splitter = build_splitter(config, index, names)
        # A patient's name that is not there is refused before hours are spent; that no split can
        # be made at all is something to show.
        with suppress(DataError):
            divide(config, index, used, policy, source, splitter)
        # Not sooner: a mistyped folder or patient leaves no run behind.
        opened.append(begin())

    found = inspect(config, source, check, every_file=True)
    run = opened[0]
    if config["verify"] and found.folder is not None:
        verify(found)
        log.info("store: each of the %d patches is the one that was packed", len(found.index))
    redactor.register_patients(found.index["patient"].unique())
    used = corrected(found.index, corrections, source, names)
    splitter = build_splitter(config, found.index, names)
    decisions = policy.decide(used, found.not_read)
    not_read = nameable(found.not_read, names)
    for some in not_read:
        log.warning("not read: %s", some)
    for what, files in found.ignored.items():
        log.info("ignored: %d x %s", files, what)
    mark = found.fingerprint
    if corrections is not None:
        mark = identity(found, used, decisions.keep)
        outcome.notes.append(f"{PLACE}: {corrected_words(used)}.")
    record_corrections(run, fit_to_log(corrections, used, redactor), used, folder)
    index = used.assign(decision="keep", split="")
    index.loc[~decisions.keep, "decision"] = "drop"
    try:
        index["split"] = divide(config, found.index, used, policy, source, splitter)
    except DataError as error:
        log.warning("no split can be made: %s", first_line(error))
        outcome.notes.append(f"No split can be made: {redactor.text(first_line(error))}")
    if names is not None:
        index = hide_patients(index, names)
    with replacing(folder / "index.parquet") as path:
        index.to_parquet(path, index=False)
    with replacing(folder / "audit.csv") as path:
        decisions.table.to_csv(path, index=False)
    for path in (folder / "index.parquet", folder / "audit.csv"):
        run.artifacts(path)
    outcome.metrics = _counts(index, source, decisions, found)
    run.metrics(outcome.metrics)
    run.tags(
        {
            "data.fingerprint": mark,
            "data.notes": json.dumps(decisions.notes()),
            "data.class_names": json.dumps(source.class_names),
        }
    )
    if config["report"]:
        facts = _facts(config, found, mark, outcome)
        page = write_eda(
            _input(config, source, index, found, decisions, facts, not_read), folder / "report"
        )
        run.artifacts(page.parent, "report")
    policy.refuse(used, source.root, not_read)
    return decisions.table


def _counts(
    index: pd.DataFrame, source: Source, decisions: Decisions, found: Stored
) -> dict[str, float]:
    counts: dict[str, float] = {
        "data/patches": len(index),
        "data/patients": index["patient"].nunique(),
        "data/files_read": found.read,
        "data/dropped": int((~decisions.keep).sum()),
        "data/ignored_files": sum(found.ignored.values()),
    }
    for label in range(len(source.class_names)):
        counts[f"data/class_{label}"] = int((index["label"] == label).sum())
    for row in decisions.table.to_dict("records"):
        counts[f"audit/{row['finding']}"] = row["patches"]
    return counts


def known_and_found(index: pd.DataFrame, source: Source) -> pd.DataFrame | None:
    """How much of the published set is there: ``what``, ``known``, ``found``; None if unknown."""
    if source.known is None:
        return None
    rows = [("patches", sum(source.known.per_class), len(index))]
    for label, (name, known) in enumerate(
        zip(source.class_names, source.known.per_class, strict=True)
    ):
        rows.append((f"patches, {name}", known, int((index["label"] == label).sum())))
    rows.append(("patients", source.known.groups, index["patient"].nunique()))
    return pd.DataFrame(rows, columns=["what", "known", "found"])


def _facts(config: Config, found: Stored, mark: str, outcome: Outcome) -> dict[str, str]:
    facts = {
        "fingerprint": mark,
        "files read now": f"{found.read:,}",
        "audit": str(config["choices"].get("audit")),
        "split": str(config["choices"].get("split")),
    }
    return facts | ({"note": " ".join(outcome.notes)} if outcome.notes else {})


def _input(
    config: Config,
    source: Source,
    index: pd.DataFrame,
    found: Stored,
    decisions: Decisions,
    facts: dict[str, Any],
    not_read: Sequence[NotRead],
) -> EdaInput:
    return EdaInput(
        name=source.name,
        class_names=source.class_names,
        index=index,
        patches=found.patches,
        findings=decisions.table,
        expected=known_and_found(index, source),
        patch_size=max(usual_size(index)),
        seed=config["seed"],
        facts=facts,
        not_read=not_read,
        ignored=found.ignored,
    )
