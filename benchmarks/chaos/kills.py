"""Trainings killed at random moments and resumed: equal to the unbroken one, bit for bit."""

import random
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import torch
from commands import TINY, Command, outcomes, run, statuses
from table import Fault

KIND = "kill"
EXPECTED = "resumed by its id: one FINISHED run, weights and metrics of the unbroken training"
SECOND = 0.3  # of the resumes are killed too


def kills(scratch: Path, seed: int, quick: bool) -> list[Fault]:
    """Kill trainings outright, most once, some again while they resume."""
    whole = scratch / "unbroken"
    command = Command("train", whole, TINY)
    command.wait_for(lambda: outcomes(whole))
    opened = time.monotonic()
    ended = command.end()
    if ended.code != 0:
        return [Fault(KIND, "none", "exit 0", f"exit {ended.code}: {ended.text[-300:]}", False)]
    span = time.monotonic() - opened
    trials = 1 if quick else 20
    draws = random.Random(seed)
    plans = [[draws.random() * span] for _ in range(trials)]
    for plan in plans:
        while draws.random() < SECOND and not quick:
            plan.append(draws.random() * span)
    with ThreadPoolExecutor(2) as pool:
        broken = [pool.submit(_trial, scratch / f"kill-{i}", plan) for i, plan in enumerate(plans)]
        faults = [_judge(future.result(), whole) for future in broken]
    return [*faults, _all_of(faults, plans)]


def _all_of(faults: list[Fault], plans: list[list[float]]) -> Fault:
    moments = [moment for plan in plans for moment in plan]
    again = sum(len(plan) > 1 for plan in plans)
    injected = (
        f"{len(plans)} trainings killed (SIGKILL) {min(moments):.1f} to {max(moments):.1f} s after "
        f"their run was opened, {again} of them again while they resumed"
    )
    equal = sum(fault.held for fault in faults)
    observed = f"{equal} of {len(faults)} equal bit for bit, one FINISHED run each"
    return Fault(KIND, injected, EXPECTED, observed, equal == len(faults))


def _trial(root: Path, plan: list[float]) -> tuple[Path, str, str]:
    """Kill a training at each of the moments (seconds after its run was opened), then let it end.

    Returns:
        The root, what was done, and what went wrong ("" if nothing).
    """
    arguments: tuple[str, ...] = TINY
    moments = []
    for delay in plan:
        before = len(outcomes(root))
        command = Command("train", root, arguments)
        command.wait_for(lambda n=before: len(outcomes(root)) > n)
        time.sleep(delay)
        command.signal(signal.SIGKILL)
        ended = command.end()
        moments.append(f"{delay:.1f} s" + (" (had ended)" if ended.code == 0 else ""))
        if ended.code not in (0, -signal.SIGKILL):
            return root, f"SIGKILL after {moments}", f"exit {ended.code}: {ended.errors}"
        ids = [outcome["run_id"] for _, outcome in outcomes(root) if outcome["run_id"]]
        if ids:  # else it was killed before its run was opened: begin again
            arguments = (f"resume={ids[-1]}",)
    ended = run("train", root, *arguments)
    moment = "SIGKILL " + ", then ".join(moments) + " after the run was opened"
    trouble = "" if ended.code == 0 else f"resume: exit {ended.code}: {ended.errors}"
    return root, moment, trouble


def _judge(trial: tuple[Path, str, str], whole: Path) -> Fault:
    root, moment, trouble = trial
    if not trouble:
        theirs, ours = outcomes(whole)[-1][1], outcomes(root)[-1][1]
        states = statuses(root / "mlruns" / "mlflow.db")
        differ = [
            key for key in theirs["metrics"] if theirs["metrics"][key] != ours["metrics"].get(key)
        ]
        if differ:
            trouble = f"{len(differ)} metrics differ, {differ[0]} first"
        elif not _same_weights(whole, root):
            trouble = "the weights differ"
        elif sorted(states.values()) != ["FINISHED"]:
            trouble = f"runs in the store: {sorted(states.values())}"
    observed = trouble or "equal bit for bit, one FINISHED run"
    return Fault(KIND, moment, EXPECTED, observed, not trouble, single=True)


def _same_weights(one: Path, other: Path) -> bool:
    for name in ("last.ckpt", "best.ckpt"):
        # A run that was killed after its training trains no more when it is resumed: the newest.
        newest = [
            max(root.rglob(name), key=lambda path: path.stat().st_mtime) for root in (one, other)
        ]
        first, second = (torch.load(path, weights_only=True)["state_dict"] for path in newest)
        if first.keys() != second.keys():
            return False
        if not all(torch.equal(first[key], second[key]) for key in first):
            return False
    return True
