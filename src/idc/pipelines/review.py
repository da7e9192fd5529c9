"""A review from the run's id to what is logged: cases, page, findings."""

import logging
import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from idc.attribution.pipeline.explained_model import Subject
from idc.attribution.pipeline.options import wanted
from idc.attribution.pipeline.run_steps import SMALL
from idc.attribution.pipeline.stored_verdicts import stored_trust
from idc.attribution.run import explain
from idc.attribution.select import NAMED, parse_selection
from idc.config.build import Config, build
from idc.errors import ConfigError
from idc.pipelines.explain import named_pool, opened, subject_of
from idc.pipelines.lifecycle import owning
from idc.pipelines.scoring import loader_of
from idc.pipelines.validate import check_values
from idc.reader_study.answer import as_frame
from idc.reader_study.case_book import ORDERS, RunBook, caveats, order_cases
from idc.reader_study.export import ExportRule
from idc.reader_study.listening import check_address, resolve_address
from idc.reader_study.mirrored_journal import FOLDER, MirroredJournal, mirrored, open_journal
from idc.reader_study.review_results import ReviewResults, evaluate_answers
from idc.reader_study.sampling import EVERYTHING
from idc.reader_study.serving import Settings, serve
from idc.reader_study.usable_answers import check_readers, match_predictions, select_readers
from idc.runtime.outcome import Outcome
from idc.runtime.progress import progress_bar
from idc.runtime.signals import SIGNALS
from idc.tracking.entities import RunRecord
from idc.tracking.lookup import find_run
from idc.tracking.mlflow_run import MlflowRun
from idc.tracking.mlflow_store import MlflowStore

log = logging.getLogger(__name__)
KIND = "review"


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
    findings: ReviewResults | None


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
        stack.enter_context(owning(folder, Outcome(KIND, run_id=run_id, kind=KIND)))
        record = find_run(store, run_id)
        logged = MlflowRun(store, run_id, reopen=False)
        root = Path(config["paths"]["root"])
        journal = stack.enter_context(open_journal(root, run_id, store, folder / "logged"))
        subject, material, restored = subject_of(store, run_id, config, folder)
        selection = parse_selection(config["select"])
        subject, pool = named_pool(subject, material, restored, selection, config, store)
        if config["serve"]:
            book = _book(config, subject, pool, store, record, folder)
            order, chosen = config["order"], _chosen_from(config)
            with mirrored(journal, logged, order, chosen) as keeper, _ended_alike():
                serve(book, keeper, settings, ready)
        else:
            MirroredJournal(journal, logged).copy()
        answers, notes = select_readers(as_frame(journal.answers()), config["readers"])
        answers, known, more = match_predictions(
            subject, material, restored.decider, loader_of(config), answers
        )
        notes += more
        for note in notes:
            log.warning("review: %s", note)
        if not len(answers):
            return Reviewed(run_id, journal.path, folder, None)
        target = folder / FOLDER
        names, earlier = list(subject.class_names), material.corrections
        findings = evaluate_answers(answers, known, names, rule, config["seed"], target, earlier)
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
    check_readers(config["readers"])
    settings = Settings(
        host=str(config["host"]),
        port=config["port"],
        mode=config["mode"],
        ssl_certfile=config["ssl_certfile"],
        ssl_keyfile=config["ssl_keyfile"],
    )
    if config["serve"]:
        check_address(settings, resolve_address(settings.host, settings.port)[1])
    return rule, settings


def _book(
    config: Config, subject: Subject, pool: pd.DataFrame, store: MlflowStore, record: RunRecord,
    folder: Path,
) -> RunBook:  # fmt: skip
    if parse_selection(config["select"]).what == "errors":
        pool = pool[pool["label"] != pool["predicted"]]
    table = order_cases(
        pool, config["order"], config["count"], config["seed"], subject.classes, subject.threshold
    )
    table = table.reset_index(drop=True)
    trust = stored_trust(store, record, config, folder / "logged")
    asked = wanted(config["explain"]).methods
    methods = {name: asked[name] for name in trust.sorted(asked)}
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
    notes = caveats(maps, trust.marks, trust.order)
    return RunBook(subject, table, maps, notes, str(record.info.run_name))


def _chosen_from(config: Config) -> str:
    """What answers say that their cases were chosen from: no names, which may be patients' own."""
    what = parse_selection(config["select"]).what
    return what if what == "errors" or what in NAMED else EVERYTHING


@contextmanager
def _ended_alike() -> Iterator[None]:
    """Being told to stop ends a review as Ctrl-C does: with its findings logged."""
    before = {
        number: signal.signal(number, lambda *_: signal.raise_signal(signal.SIGINT))
        for number in SIGNALS
    }
    try:
        yield
    except KeyboardInterrupt:
        log.info("review: ended")
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
