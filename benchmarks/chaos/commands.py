"""Start the project's own commands, end them, and read what they left, without importing them."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# Small enough for dozens of launches; dropout, augmentation and EMA so that a resume that forgets a
# random state or an average shows.
TINY = (
    "data.patients=6",
    "data.patches_per_patient=40",
    "backbone=vanilla_cnn",
    "head=mlp",
    "augment.mixup=0.3",
    "callbacks.ema.decay=0.8",
    "loader.batch_size=16",
    "loader.num_workers=0",
    "trainer=cpu",
    "trainer.devices=1",
    "trainer.max_epochs=5",
    "trainer.enable_progress_bar=false",
    "callbacks.early_stopping.patience=99",
    "intervals.draws=50",
    "explain=none",
    "report=false",
    "tracking.log_model=false",
    "tracking.system_metrics=false",
)
LIMIT = 600.0  # seconds; nothing here takes a tenth of it unless it hangs


@dataclass(frozen=True)
class Ended:
    """What became of a command."""

    code: int
    text: str
    seconds: float

    @property
    def errors(self) -> list[str]:
        """The lines in which it says what is wrong."""
        return [line for line in self.text.splitlines() if line.startswith("error: ")]

    @property
    def traceback(self) -> bool:
        """Whether a user was shown a traceback."""
        return "Traceback (most recent call last)" in self.text


class Command:
    """A command of the project, running in a session of its own.

    Args:
        app: ``train``, ``evaluate``, ...
        root: Its ``IDC_ROOT``.
        arguments: Its overrides.
        environment: More environment variables.
        before: Called in the new process before the program starts.
    """

    def __init__(
        self,
        app: str,
        root: Path,
        arguments: Sequence[str] = (),
        environment: Mapping[str, str] | None = None,
        before: Callable[[], object] | None = None,
    ) -> None:
        self.root = root
        root.parent.mkdir(parents=True, exist_ok=True)
        own = {"IDC_ROOT": str(root), "CUDA_VISIBLE_DEVICES": "", "OMP_NUM_THREADS": "1"}
        own["NO_ALBUMENTATIONS_UPDATE"] = "1"
        base = {k: v for k, v in os.environ.items() if k != "MLFLOW_TRACKING_URI"}
        self.begun = time.monotonic()
        self._output = tempfile.TemporaryFile()  # noqa: SIM115 - read when the process has ended
        self.process = subprocess.Popen(
            [sys.executable, "-m", f"idc.{app}", *arguments],
            stdout=self._output,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            cwd=root.parent,
            env={**base, **own, **(environment or {})},
            start_new_session=True,
            preexec_fn=before,
        )

    def wait_for(self, ready: Callable[[], object], limit: float = LIMIT) -> bool:
        """Wait until something holds; False if the command ends first, or after `limit` seconds."""
        end = time.monotonic() + limit
        while time.monotonic() < end:
            if ready():
                return True
            if self.process.poll() is not None:
                return bool(ready())
            time.sleep(0.02)
        return False

    def signal(self, number: int) -> None:
        """Send a signal to the command alone, as a scheduler does."""
        if self.process.poll() is None:
            self.process.send_signal(number)

    def end(self, limit: float = LIMIT) -> Ended:
        """Wait for its end; a command that hangs is killed and has the code -9."""
        try:
            self.process.wait(limit)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        seconds = time.monotonic() - self.begun
        self._output.seek(0)
        text = self._output.read().decode(errors="replace")
        return Ended(self.process.returncode, text, seconds)


def run(app: str, root: Path, *arguments: str, **environment: str) -> Ended:
    """Run a command to its end."""
    return Command(app, root, arguments, environment).end()


def outcomes(root: Path) -> list[tuple[Path, dict[str, Any]]]:
    """The runs' folders under a root and what each says of its end, oldest first."""
    paths = sorted((root / "runs").rglob("outcome.json"), key=lambda path: path.stat().st_mtime)
    return [(path.parent, json.loads(path.read_text())) for path in paths]


@contextmanager
def _database(path: Path) -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=60)
    try:
        yield connection
    finally:
        connection.close()


def statuses(database: Path) -> dict[str, str]:
    """Status of each run in an MLflow database, by id."""
    if not database.is_file():
        return {}
    with _database(database) as connection, suppress(sqlite3.OperationalError):
        return dict(connection.execute("select run_uuid, status from runs"))
    return {}  # it is being made


def measured(database: Path, run_id: str) -> list[tuple[str, int, float]]:
    """All metrics of a run but those of time and machine: key, step and value, sorted.

    A metric that arrived twice is in the list twice.
    """
    with _database(database) as connection:
        rows = connection.execute(
            "select key, step, value from metrics where run_uuid = ? and is_nan = 0", (run_id,)
        ).fetchall()
    return sorted(row for row in rows if row[0].startswith(("train/", "val/", "test/")))


def logged(database: Path, table: str, run_id: str) -> int:
    """How many rows a table of an MLflow database (``params``, ``tags``) has for a run."""
    with _database(database) as connection:
        query = f"select count(*) from {table} where run_uuid = ?"
        return int(connection.execute(query, (run_id,)).fetchone()[0])
