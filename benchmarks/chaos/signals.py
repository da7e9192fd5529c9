"""Signals in every app and phase, ranks without their launcher, two writers of one run."""

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

from commands import TINY, Command, outcomes, run, statuses
from table import Fault

DATABASE = Path("mlruns") / "mlflow.db"
CLOSED = {"FINISHED", "FAILED", "KILLED"}


def signals(scratch: Path, seed: int, quick: bool) -> list[Fault]:
    """SIGTERM, and SIGUSR1 as SLURM sends it, to apps in different phases."""
    del seed, quick
    long = (*TINY, "trainer.max_epochs=200")
    faults = [
        _stop(scratch, "train", long, "fit", number) for number in (signal.SIGTERM, signal.SIGUSR1)
    ]
    slow = "intervals.draws=1000000"
    faults.append(_stop(scratch, "train", (*TINY, slow), "test", signal.SIGTERM, _tested))
    sweep = ("-m", *TINY, "trainer.max_epochs=200", "seed=1,2")
    faults.append(_stop(scratch, "train", sweep, "sweep", signal.SIGTERM))
    prepare = ("data=synthetic", "data.patients=60", "data.patches_per_patient=400")
    faults.append(_stop(scratch, "prepare", prepare, "prepare", signal.SIGTERM))
    trained = scratch / "signal-apps"
    run("train", trained, *TINY)
    run_id = outcomes(trained)[-1][1]["run_id"]
    mine = (f"run={run_id}",)
    slow_maps = ("explain=occlusion", "explain.per_kind=200", "explain.faithfulness.patches=200")
    faults.append(
        _stop(scratch, "evaluate", (*mine, slow), "evaluate", signal.SIGTERM, root=trained)
    )
    # An explanation adds to the run that it explains, which stays as it is. It says nothing of its
    # phase, so it is given time to begin.
    begun = time.monotonic()
    drawing = (*mine, *slow_maps)

    def late(_: Path) -> bool:
        return time.monotonic() - begun > 20

    faults.append(_stop(scratch, "explain", drawing, "explain", signal.SIGTERM, late, trained))
    return faults


def _stop(
    scratch: Path,
    app: str,
    arguments: tuple[str, ...],
    phase: str,
    number: signal.Signals,
    ready: Callable[[Path], bool] | None = None,
    root: Path | None = None,
) -> Fault:
    """Send a signal a second after an app has opened its run, or is in the phase."""
    where = root or scratch / f"signal-{phase}-{number.name}"
    before = set(statuses(where / DATABASE))
    command = Command(app, where, arguments)
    opened = ready or (lambda path: bool(set(statuses(path / DATABASE)) - before))
    command.wait_for(lambda: opened(where))
    time.sleep(1)
    return _signal(command, number, f"idc.{app} ({phase})", before)


def _signal(command: Command, number: signal.Signals, what: str, before: set[str]) -> Fault:
    """Send a signal to a command and judge its end; `before` are the runs of earlier commands."""
    running = command.process.poll() is None
    command.signal(number)
    ended = command.end(limit=120)
    states = {k: v for k, v in statuses(command.root / DATABASE).items() if k not in before}
    seen = f"exit {ended.code}, runs {', '.join(sorted(states.values())) or 'none'}"
    if not running:
        seen = f"the app had ended before the signal; {seen}"
    held = running and ended.code == 128 + number and set(states.values()) <= {"KILLED"}
    if ended.traceback:
        seen, held = f"{seen}, a traceback", False
    return Fault(
        "signal",
        f"{number.name} to {what}",
        f"exit {128 + number}, runs KILLED",
        seen,
        held,
    )


def _tested(root: Path) -> bool:
    return any((folder / "training" / "history.csv").is_file() for folder, _ in outcomes(root))


def writers(scratch: Path, seed: int, quick: bool) -> list[Fault]:
    """A resume of a run that is alive, and ranks whose launcher was killed."""
    del seed
    root = scratch / "two-writers"
    first = Command("train", root, (*TINY, "trainer.max_epochs=200"))
    first.wait_for(lambda: any(root.rglob("last.ckpt")))
    run_id = outcomes(root)[-1][1]["run_id"]
    second = run("train", root, f"resume={run_id}")
    alive = first.process.poll() is None
    stopped = _signal(first, signal.SIGTERM, "idc.train (fit)", set())
    held = alive and second.code == 1 and len(second.errors) == 1
    observed = f"exit {second.code}: {' '.join(second.errors)[:160]}"
    faults = [Fault("lock", "resume of a running run", "refused, one sentence", observed, held)]
    return [*faults, stopped if quick else _orphans(scratch / "ranks")]


def _orphans(root: Path) -> Fault:
    ranks = (*TINY, "trainer=ddp_cpu", "trainer.devices=2", "trainer.max_epochs=500")
    launcher = Command("train", root, ranks)
    launcher.wait_for(lambda: any(root.rglob("last.ckpt")))
    children = _family(launcher.process.pid) - {launcher.process.pid}
    launcher.signal(signal.SIGKILL)
    killed = time.monotonic()
    launcher.end()
    while (left := {pid for pid in children if _lives(pid)}) and time.monotonic() < killed + 30:
        time.sleep(0.1)
    seconds = time.monotonic() - killed
    for pid in left:
        os.kill(pid, signal.SIGKILL)
    observed = f"{len(children)} processes, {len(left)} left after {seconds:.1f} s"
    held = len(children) >= 2 and not left and seconds < 10
    return Fault(
        "lock", "SIGKILL of the launcher of two ranks", "all gone within 10 s", observed, held
    )


def _family(leader: int) -> set[int]:
    """A process and all that come from it; torchrun starts its ranks in sessions of their own."""
    parents = {
        int(p.name): _parent(int(p.name)) for p in Path("/proc").iterdir() if p.name.isdigit()
    }
    known = {leader}
    while more := {pid for pid, parent in parents.items() if parent in known} - known:
        known |= more
    return known


def _parent(pid: int) -> int:
    try:
        return int((Path("/proc") / str(pid) / "stat").read_text().rpartition(")")[2].split()[1])
    except (OSError, ValueError, IndexError):
        return -1


def _lives(pid: int) -> bool:
    try:
        state = (Path("/proc") / str(pid) / "stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state not in "ZX"
