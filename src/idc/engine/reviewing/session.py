"""A review from the run's id to what is logged: cases, page, findings."""

import json
import logging
import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from mlflow.entities import Run as MlflowRecord

from idc.engine.check import check_values
from idc.engine.config import Config, build
from idc.engine.explaining.asked import EXPLAIN, named_pool, opened, subject_of
from idc.engine.explaining.faith import VERDICTS
from idc.engine.explaining.subject import Subject
from idc.engine.explaining.wanted import wanted
from idc.engine.explaining.whole import SMALL
from idc.engine.progress import progress_bar
from idc.engine.restore import run_file
from idc.engine.reviewing.book import ORDERS, RunBook, order_cases
from idc.engine.reviewing.findings import Findings, find
from idc.engine.reviewing.journal import FOLDER, mirrored, open_journal
from idc.errors import CheckpointError, ConfigError
from idc.explain.run import explain
from idc.explain.select import parse_selection
from idc.review.answer import as_frame
from idc.review.export import ExportRule
from idc.review.listening import checked, resolved
from idc.review.serving import Settings, serve
from idc.tracking.lookup import find_run
from idc.tracking.run import MlflowRun
from idc.tracking.store import Store, the_store

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Reviewed:
    """A review that has ended.

    Attributes:
        run_id: The run's id.
        journal: The journal on this machine.
        folder: The files with the findings.
        findings: What the answers say; None if there is no answer yet.
    """

    run_id: str
    journal: Path
    folder: Path
    findings: Findings | None


def review_run(config: Config, folder: Path, ready: Callable[[str], None]) -> Reviewed:
    """Serve a run's review until it is stopped, then log what the answers say to the run.

    Args:
        config: The resolved configuration of ``conf/review.yaml``.
        folder: Where files go that are not the journal.
        ready: Told the page's address.

    Raises:
        IdcError: Something that the user can mend.
    """
    rule, settings = _checked(config)
    store, run_id = opened(config, "run")
    with ExitStack() as stack:
        stack.enter_context(the_store(store))
        record = find_run(store, run_id)
        logged = MlflowRun(store, run_id, reopen=False)
        root = Path(config["paths"]["root"])
        journal = stack.enter_context(open_journal(root, run_id, store, folder / "logged"))
        subject, material, restored = subject_of(store, run_id, config, folder)
        selection = parse_selection(config["select"])
        subject, pool = named_pool(subject, material, restored, selection, config, store)
        if config["serve"]:
            book = _book(config, subject, pool, store, record, folder)
            with mirrored(journal, logged) as keeper, _ended_alike():
                serve(book, keeper, settings, ready)
        answers = as_frame(journal.answers())
        if not len(answers):
            return Reviewed(run_id, journal.path, folder, None)
        target = folder / FOLDER
        known = _with_answered(subject.predictions, answers)
        findings = find(answers, known, list(subject.class_names), rule, config["seed"], target)
        logged.metrics(findings.metrics)
        logged.artifacts(target, FOLDER)
    return Reviewed(run_id, journal.path, target, findings)


def _checked(config: Config) -> tuple[ExportRule, Settings]:
    """All that can be refused before any data are read."""
    check_values(config)
    parse_selection(config["select"])
    rule: ExportRule = build(config["export"], "export")
    if config["order"] not in ORDERS:
        raise ConfigError(f"order={config['order']}: choose {', '.join(ORDERS)}.")
    settings = Settings(
        host=str(config["host"]),
        port=config["port"],
        mode=config["mode"],
        ssl_certfile=config["ssl_certfile"],
        ssl_keyfile=config["ssl_keyfile"],
    )
    if config["serve"]:
        checked(settings, resolved(settings.host, settings.port)[1])
    return rule, settings


def _book(
    config: Config, subject: Subject, pool: pd.DataFrame, store: Store, record: MlflowRecord,
    folder: Path,
) -> RunBook:  # fmt: skip
    if parse_selection(config["select"]).what == "errors":
        pool = pool[pool["label"] != pool["predicted"]]
    table = order_cases(
        pool, config["order"], config["count"], config["seed"], subject.classes, subject.threshold
    )
    table = table.reset_index(drop=True)
    marks, order = _verdicts(store, record, config, folder / "logged")
    methods = dict(wanted(config["explain"]).methods)
    methods = {name: methods[name] for name in sorted(methods, key=lambda n: _rank(n, order))}
    with progress_bar(len(table) * len(methods), "attributions", SMALL) as advance:
        maps = explain(
            subject.network,
            subject.pixels(table),
            subject.targets(table),
            methods,
            config["explain"]["batch_size"],
            subject.device,
            advance,
        )
    caveats = {name: (marks.get(name, ""), found.note) for name, found in maps.items()}
    notes = {name: "; ".join(filter(None, parts)) for name, parts in caveats.items() if any(parts)}
    return RunBook(subject, table, maps, notes, str(record.info.run_name))


def _verdicts(
    store: Store, record: MlflowRecord, config: Config, folder: Path
) -> tuple[dict[str, str], list[str]]:
    """What the run's own explanation said of the methods, if it said anything."""
    try:
        path = run_file(store, record, config, f"{EXPLAIN}/{VERDICTS}", folder)
    except CheckpointError:
        return {}, []
    content = json.loads(path.read_text())
    return dict(content["marks"]), list(content["order"])


def _rank(name: str, order: list[str]) -> int:
    return order.index(name) if name in order else len(order)


def _with_answered(predictions: pd.DataFrame, answers: pd.DataFrame) -> pd.DataFrame:
    """The predictions, checked to hold what was answered.

    Raises:
        ConfigError: An answer is about a patch that this selection does not hold.
    """
    lost = sorted(set(answers["case"]) - set(predictions["path"]))
    if lost:
        raise ConfigError(
            f"review: {len(lost)} answer(s) are about patches that were not tested, such as "
            f"{lost[0]}. Name them too: select=patient=... or select=files=... ."
        )
    return predictions


@contextmanager
def _ended_alike() -> Iterator[None]:
    """Being terminated ends a review as Ctrl-C does: with its findings logged."""
    before = signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))
    try:
        yield
    except KeyboardInterrupt:
        log.info("review: ended")
    finally:
        signal.signal(signal.SIGTERM, before)
