"""A tracking server that is down, away for a while, or hangs: nothing is lost, nothing waits."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from commands import TINY, Command, Ended, logged, measured, outcomes, run, statuses
from table import Fault

KIND = "server"
EXPECTED = "exit 0, every metric, parameter and tag there once, training not slowed"
SLOWED = 1.02  # of the unbroken training's own seconds; more is said, not judged in --quick


@dataclass
class Server:
    """An MLflow server on the loopback address that can be taken away and brought back."""

    folder: Path
    port: int = field(default_factory=lambda: _free_port())
    process: subprocess.Popen[bytes] | None = None

    @property
    def uri(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def database(self) -> Path:
        """What it writes to."""
        return self.folder / "server.db"

    def start(self) -> None:
        """Start it and wait until it answers."""
        self.folder.mkdir(parents=True, exist_ok=True)
        command = [
            sys.executable,
            "-m",
            "mlflow",
            "server",
            "--port",
            str(self.port),
            "--workers",
            "1",
        ]
        command += ["--backend-store-uri", f"sqlite:///{self.database}"]
        command += ["--artifacts-destination", str(self.folder / "artifacts")]
        with (self.folder / "server.log").open("a") as log:
            self.process = subprocess.Popen(
                command, stdout=log, stderr=log, cwd=self.folder, start_new_session=True
            )
        end = time.monotonic() + 120
        while time.monotonic() < end:
            try:
                with urllib.request.urlopen(f"{self.uri}/health", timeout=2):
                    return
            except OSError:
                time.sleep(0.2)
        raise RuntimeError(f"the MLflow server did not start: {self.folder / 'server.log'}")

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to all its processes."""
        if self.process is not None:
            os.killpg(self.process.pid, number)

    def stop(self) -> None:
        """Take it away without a word."""
        if self.process is not None and self.process.poll() is None:
            self.signal(signal.SIGKILL)
            self.process.wait()


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def server(scratch: Path, seed: int, quick: bool) -> list[Fault]:
    """Take the server away at the start, within an epoch, and at the end."""
    del seed
    epochs = 10 if quick else 60
    training = (*TINY, f"trainer.max_epochs={epochs}", "tracking=server")
    sound = Server(scratch / "sound")
    sound.start()
    try:
        reference = run("train", scratch / "sound-root", *training, f"tracking.uri={sound.uri}")
    finally:
        sound.stop()
    whole = Whole(reference, *_content(sound))
    cases: list[tuple[str, Callable[[Server, Command], None], bool]] = [
        ("down at the start, up after the end", _nothing, False),
    ]
    if not quick:
        cases += [
            ("killed in an epoch, back after 20 s", lambda s, c: _away(s, c, 20), True),
            ("killed in an epoch, back after the end", lambda s, c: _away(s, c, None), True),
            ("killed in an epoch, back after 10 minutes", lambda s, c: _away(s, c, 600), True),
            ("stopped (hangs) in an epoch for 20 s", lambda s, c: _hangs(s, c, 20), True),
        ]
    return [_case(scratch, i, training, whole, *case) for i, case in enumerate(cases)]


@dataclass(frozen=True)
class Whole:
    """What a training leaves on a server that is well."""

    ended: Ended
    metrics: list[tuple[str, int, float]]
    parameters: int
    tags: int
    artifacts: set[str]


def _content(server: Server) -> tuple[list[tuple[str, int, float]], int, int, set[str]]:
    (run_id,) = statuses(server.database)
    base = server.folder / "artifacts"
    files = {p.relative_to(base) for p in base.rglob("*") if p.is_file()}
    # Behind the experiment's and the run's folder; times stand in no name.
    names = {"/".join(p.parts[2:]) for p in files}
    counts = (logged(server.database, table, run_id) for table in ("params", "tags"))
    return measured(server.database, run_id), *counts, names


def _nothing(server: Server, command: Command) -> None:
    """The server stays down while the command runs."""


def _in_an_epoch(command: Command) -> None:
    command.wait_for(lambda: any(command.root.rglob("last.ckpt")))


def _away(server: Server, command: Command, seconds: float | None) -> None:
    _in_an_epoch(command)
    server.stop()
    if seconds is not None:
        time.sleep(seconds)
        server.start()


def _hangs(server: Server, command: Command, seconds: float) -> None:
    _in_an_epoch(command)
    server.signal(signal.SIGSTOP)
    time.sleep(seconds)
    server.signal(signal.SIGCONT)


def _case(
    scratch: Path,
    number: int,
    training: tuple[str, ...],
    whole: Whole,
    injected: str,
    fault: Callable[[Server, Command], None],
    up: bool,
) -> Fault:
    own = Server(scratch / f"server-{number}")
    root = scratch / f"server-root-{number}"
    if up:
        own.start()
    try:
        command = Command("train", root, (*training, f"tracking.uri={own.uri}"))
        fault(own, command)
        ended = command.end()
        if own.process is None or own.process.poll() is not None:
            own.start()
        synced = run("sync", root, "tracking=server", f"tracking.uri={own.uri}")
    finally:
        own.stop()
    return _judge(injected, own, root, whole, ended, synced)


def _judge(
    injected: str, own: Server, root: Path, whole: Whole, ended: Ended, synced: Ended
) -> Fault:
    states = sorted(statuses(own.database).values())
    seen = [f"exit {ended.code}, sync: exit {synced.code}, runs {states}"]
    held = ended.code == 0 and synced.code == 0 and states == ["FINISHED"]
    if len(states) == 1:
        metrics, parameters, tags, artifacts = _content(own)
        lost = len(set(whole.metrics) - set(metrics))
        twice = len(metrics) - len(set(metrics))
        missing = whole.artifacts - artifacts
        seen.append(f"{lost} of {len(whole.metrics)} metrics lost, {twice} twice")
        seen.append(f"{parameters - whole.parameters:+d} parameters, {len(missing)} files missing")
        held = held and not (lost or twice or missing) and parameters >= whole.parameters
        del tags
    ratio = ended.seconds / whole.ended.seconds
    seen.append(f"{ratio:.2f} of the seconds of a server that is well")
    return Fault(KIND, injected, EXPECTED, "; ".join(seen), held and bool(outcomes(root)))
