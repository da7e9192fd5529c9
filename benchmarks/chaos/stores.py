"""Stores, disks and folders that cannot be used: one clear error each, and soon."""

import contextlib
import resource
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from commands import TINY, Command, Ended, outcomes, run
from table import Fault

EXPECTED = "one error line, no traceback, exit 1"


def stores(scratch: Path, seed: int, quick: bool) -> list[Fault]:
    """Break the store, the root and the disk in turn."""
    del seed
    faults = [
        _broken(scratch / "damaged", "mlflow.db damaged", lambda p: p.write_bytes(b"\0" * 40_000)),
        _broken(scratch / "folder", "mlflow.db is a folder", lambda p: p.mkdir()),
    ]
    if quick:
        return faults
    sound = scratch / "store"
    run("train", sound, *TINY, "trainer.max_epochs=1")
    whole = (sound / "mlruns" / "mlflow.db").read_bytes()
    faults += [
        _broken(scratch / "cut", "mlflow.db cut in half", lambda p: p.write_bytes(whole[:200_000])),
        _locked(scratch / "locked", whole),
        _root_is_a_file(scratch / "file"),
        _told("IDC_ROOT where nothing may be written", run("train", Path("/proc/idc"), *TINY)),
        _limited(scratch / "limited"),
    ]
    with _small_disk(scratch / "small") as disk:
        faults.append(_full(disk) if disk else _not_here("a full disk (tmpfs)"))
    return faults


def _told(injected: str, ended: Ended) -> Fault:
    held = ended.code == 1 and len(ended.errors) == 1 and not ended.traceback
    observed = f"exit {ended.code} in {ended.seconds:.1f} s: {' '.join(ended.errors)[:200]}"
    if ended.traceback:
        observed += " and a traceback"
    return Fault("store", injected, EXPECTED, observed, held)


def _broken(root: Path, injected: str, damage: Callable[[Path], object]) -> Fault:
    database = root / "mlruns" / "mlflow.db"
    database.parent.mkdir(parents=True)
    damage(database)
    return _told(injected, run("train", root, *TINY))


def _locked(root: Path, whole: bytes) -> Fault:
    database = root / "mlruns" / "mlflow.db"
    database.parent.mkdir(parents=True)
    database.write_bytes(whole)
    holder = sqlite3.connect(database)
    holder.execute("begin exclusive")
    try:
        return _told("mlflow.db locked by another process", run("train", root, *TINY))
    finally:
        holder.close()


def _root_is_a_file(root: Path) -> Fault:
    root.write_text("not a folder")
    return _told("IDC_ROOT is a file", run("train", root, *TINY))


def _limited(root: Path) -> Fault:
    """The database fits, the checkpoint does not."""
    size = 600_000
    command = Command(
        "train", root, TINY, before=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
    )
    return _told("files limited to 600 kB (RLIMIT_FSIZE)", command.end())


@contextmanager
def _small_disk(path: Path) -> Iterator[Path | None]:
    path /= "disk"
    path.mkdir(parents=True)
    mount = ["mount", "-t", "tmpfs", "-o", "size=96m", "tmpfs", str(path)]
    if subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        yield None
        return
    try:
        yield path
    finally:
        subprocess.run(["umount", "-l", str(path)], check=False)


def _full(disk: Path) -> Fault:
    """A training that fills its disk fails in one sentence; with room again it resumes."""
    command = Command("train", disk, (*TINY, "trainer.max_epochs=60"))
    command.wait_for(lambda: any(disk.rglob("last.ckpt")))
    filler = disk / "filler"
    with contextlib.suppress(OSError), filler.open("wb", buffering=0) as stream:
        while True:
            stream.write(bytes(65536))
    ended = command.end()
    filler.unlink()
    runs = [outcome["run_id"] for _, outcome in outcomes(disk)]
    resumed = run("train", disk, f"resume={runs[-1]}", "trainer.max_epochs=3")
    held = ended.code == 1 and not ended.traceback and resumed.code == 0
    observed = f"exit {ended.code}; resume: exit {resumed.code} {' '.join(resumed.errors)[:120]}"
    return Fault("store", "a disk that fills in training", "exit 1, then resumable", observed, held)


def _not_here(injected: str) -> Fault:
    return Fault("store", injected, EXPECTED, "not tried: tmpfs cannot be mounted here", True)
