"""The answers to a run's cases: on the local disk, copied to the run, merged from all machines."""

import hashlib
import logging
import platform
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from fnmatch import fnmatchcase
from pathlib import Path

from idc.errors import CheckpointError, TrackingError, first_line
from idc.reader_study.answer_store import AnswerStore
from idc.tracking.lookup import fetch_artifact, list_artifacts
from idc.tracking.mlflow_run import MlflowRun
from idc.tracking.mlflow_store import MlflowStore

log = logging.getLogger(__name__)
FOLDER, FILE = "review", "answers.sqlite"
COPIES = f"{FOLDER}/answers*.jsonl"  # one per machine
EVERY = 15.0  # seconds between two copies to the run


def open_answers(root: Path, run_id: str, store: MlflowStore, folder: Path) -> AnswerStore:
    """Open a run's answers on this machine and add those from other machines.

    Raises:
        ReviewError: The answers on this machine, or a copy in the run, are damaged.
        TrackingError: The run's answers cannot be downloaded. Without them, readers would be asked
            again, and too few answers would be counted.
    """
    answers = AnswerStore(root / "reviews" / run_id / FILE)
    try:
        names = [name for name, _ in list_artifacts(store, run_id, FOLDER)]
        for name in names:
            if fnmatchcase(name, COPIES):
                answers.add_file(fetch_artifact(store, run_id, name, folder))
    except (OSError, CheckpointError) as error:
        raise TrackingError(
            f"review: the run has answers from other machines that cannot be downloaded "
            f"({first_line(error)}). Check that the store is reachable, and try again."
        ) from error
    return answers


@contextmanager
def copied(answers: AnswerStore, run: MlflowRun) -> Iterator[None]:
    """Copy new answers to the run periodically inside the ``with`` block, and at its end."""
    ended = threading.Event()
    state = {"lines": ""}

    def watch() -> None:
        while not ended.wait(EVERY):
            state["lines"] = copy_answers(answers, run, state["lines"])

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
        copy_answers(answers, run, state["lines"])


def copy_answers(answers: AnswerStore, run: MlflowRun, before: str = "") -> str:
    """Copy the answers to the run if they differ from those copied before; return what it has.

    A failure is only logged, as the answers are safe on this machine.
    """
    try:
        lines = answers.lines()
        if lines != before:
            with tempfile.TemporaryDirectory() as folder:
                copy = Path(folder) / copy_name(answers.path)
                copy.write_text(lines, encoding="utf-8")
                run.artifacts(copy, FOLDER)
    except Exception as error:  # whatever a store raises
        log.warning(
            "review: the answers are safe in %s, but could not be copied to the run (%s)",
            answers.path,
            first_line(error),
        )
        return before
    return lines


def copy_name(path: Path) -> str:
    """Name of the answers' copy in the run, unique per machine without revealing the host name."""
    place = f"{platform.node()}\0{path.resolve().parent}".encode()
    return f"answers-{hashlib.blake2b(place, digest_size=5).hexdigest()}.jsonl"
