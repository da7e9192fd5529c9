"""A reader study of a finished run: cases, page, results, logged to that run."""

import logging
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pandas as pd

from idc.attribution.pipeline.explained_model import Subject
from idc.attribution.pipeline.faithfulness_step import SMALL
from idc.attribution.pipeline.options import configured_methods
from idc.attribution.pipeline.step import stored_trust
from idc.attribution.run import explain
from idc.attribution.select import NAMED, Selection, parse_selection
from idc.config.build import Config, build
from idc.data.index import is_multi_label
from idc.errors import ConfigError
from idc.pipelines.finished_run import TrainedRun, opened_run
from idc.pipelines.scoring import scoring_loader
from idc.pipelines.subject import hide_names, select_pool, subject_of
from idc.pipelines.validate import check_values
from idc.reader_study.answer import as_frame
from idc.reader_study.case import CaseBook
from idc.reader_study.case_book import caveats, order_cases, run_book
from idc.reader_study.export import ExportRule
from idc.reader_study.review_results import ReviewResults, evaluate_answers
from idc.reader_study.run_answers import FOLDER, copied, copy_answers, open_answers
from idc.reader_study.sampling import EVERYTHING
from idc.reader_study.serving import Settings, check_address, resolve_address, serve
from idc.reader_study.usable_answers import match_predictions, select_readers
from idc.reports.description import with_section
from idc.runtime.progress import progress_bar
from idc.runtime.signals import SIGNALS, interrupt
from idc.tracking.mlflow_run import NOTE_TAG, MlflowRun

log = logging.getLogger(__name__)
KIND = "review"


def review_run(
    config: Config, folder: Path, ready: Callable[[str], None]
) -> tuple[ReviewResults | None, Path]:
    """Serve a run's review until it is stopped, then log the results to the run.

    All files but the answers' go to `folder`; `ready` is called with the page's address.

    Returns:
        The results, None without any answer; the file of the answers on this machine.

    Raises:
        IdcError: The user can correct it.
    """
    rule, settings, selection = _checked(config)
    with opened_run(config, folder, KIND) as run:
        logged = MlflowRun(run.store, run.run_id, reopen=False)
        root = Path(config["paths"]["root"])
        given = open_answers(root, run.run_id, run.store, run.folder)
        material = run.material()
        subject = subject_of(run, material)
        _refuse_several(subject, config["explain"]["target"])
        named = hide_names(selection, run.store.redactor.pseudonyms)
        subject, pool = select_pool(subject, material, run.decider, named, config)
        if config["serve"]:
            book = _book(run, subject, pool, selection)
            with copied(given, logged), _ended_alike():
                serve(book, given, settings, ready)
        else:
            copy_answers(given, logged)
        answers, notes = select_readers(as_frame(given.answers()), config["readers"])
        loader = scoring_loader(config)
        answers, predictions, more = match_predictions(
            subject, material, run.decider, loader, answers
        )
        for note in [*notes, *more]:
            log.warning("review: %s", note)
        if not len(answers):
            return None, given.path
        names, target = list(subject.class_names), folder / FOLDER
        seed, earlier = config["seed"], material.corrections
        results = evaluate_answers(answers, predictions, names, rule, seed, target, earlier)
        logged.metrics(results.metrics)
        logged.artifacts(target, FOLDER)
        note = with_section(
            run.note, "Reviewed", [results.summary, *results.notes], FOLDER, run.place
        )
        logged.tags({NOTE_TAG: note})
    return results, given.path


def _checked(config: Config) -> tuple[ExportRule, Settings, Selection]:
    """Check everything that needs no data."""
    check_values(config)
    selection = parse_selection(config["select"])
    what = selection.what
    rule: ExportRule = build(config["export"], "export")
    settings = Settings(
        host=str(config["host"]),
        port=config["port"],
        mode=config["mode"],
        order=config["order"],
        # No names, which may be patients' own.
        select=what if what == "errors" or what in NAMED else EVERYTHING,
        ssl_certfile=config["ssl_certfile"],
        ssl_keyfile=config["ssl_keyfile"],
    )
    if config["serve"]:
        check_address(settings, resolve_address(settings.host, settings.port)[1])
    return rule, settings, selection


def _refuse_several(subject: Subject, target: str | None) -> None:
    """Refuse what the page has no questions for."""
    if is_multi_label(subject.predictions):
        raise ConfigError(
            "review: its page asks for one class per image, and the images of this run may have "
            "several labels. Train with one of them (data.positive=NAME) to review it."
        )
    if target is not None:
        raise ConfigError(
            "review: explain.target is for idc.explain; the page shows the class that was called, "
            "of two the positive one."
        )


def _book(run: TrainedRun, subject: Subject, pool: pd.DataFrame, selection: Selection) -> CaseBook:
    """The cases in their order, with their attribution maps."""
    config = run.now
    if selection.what == "errors":
        pool = pool[pool["label"] != pool["predicted"]]
    table = order_cases(
        pool, config["order"], config["count"], config["seed"], subject.classes, subject.threshold
    )
    table = table.reset_index(drop=True)
    trust = stored_trust(run.store, run.record, config, run.folder)
    configured = configured_methods(config["explain"])
    methods = {name: configured[name] for name in trust.sorted(configured)}
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
    name, pixel = str(run.record.info.run_name), config["explain"]["slides"]["pixel_size"]
    return run_book(subject, table, maps, notes, name, pixel)


@contextmanager
def _ended_alike() -> Iterator[None]:
    """Let a termination signal end a review as Ctrl-C does: with its results logged."""
    before = {number: signal.signal(number, interrupt) for number in SIGNALS}
    try:
        yield
    except KeyboardInterrupt:
        log.info("review: ended")
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
