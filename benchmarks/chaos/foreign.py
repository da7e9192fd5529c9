"""Checkpoints that somebody else made, to run code here: none may."""

import sys
from pathlib import Path

from commands import TINY, Ended, outcomes, run
from table import Fault

sys.path.insert(0, str(Path(__file__).parents[2] / "tests"))  # the tests' own list
from config.hostile import HOSTILE, Hostile, Trap, plant_in_checkpoint, set_trap

EXPECTED = "refused in one sentence, nothing executed"
CHECKPOINTS = ("best.ckpt", "last.ckpt")


def foreign(scratch: Path, seed: int, quick: bool) -> list[Fault]:
    """Give hostile checkpoints to the commands that read a run.

    The first, which is the worst, goes to each command, and each of the next fifteen to one of
    them, in turn; the tests build all that there are, in one process.
    """
    del seed
    root = scratch / "foreign"
    run("train", root, *TINY, "trainer.max_epochs=1")
    folder, outcome = outcomes(root)[-1]
    ways = _ways(folder, outcome["run_id"])
    names = list(ways)
    pairs = [(HOSTILE[0], name) for name in names]
    pairs += [(h, names[i % len(names)]) for i, h in enumerate(HOSTILE[1:16])]
    faults = []
    for number, (hostile, name) in enumerate(pairs[:1] if quick else pairs):
        trap = set_trap(scratch / f"trap-{number}")
        faults.append(_judge(hostile, name, root, folder, trap, ways[name]))
    believed = sum(not fault.held for fault in faults)
    injected = f"{len(faults)} checkpoints with hostile configurations ({', '.join(names)})"
    observed = f"{believed} of {len(faults)} executed or believed"
    return [*faults, Fault("foreign", injected, EXPECTED, observed, not believed)]


def _ways(folder: Path, run_id: str) -> dict[str, tuple[str, ...]]:
    mine = (f"run={run_id}", "device=cpu")
    last = folder / "checkpoints" / "last.ckpt"
    return {
        "evaluate": ("evaluate", *mine, "report=false", "explain=none"),
        "resume by id": ("train", f"resume={run_id}", "trainer.max_epochs=2"),
        "explain": ("explain", *mine),
        "resume by file": ("train", f"resume={last}", "trainer.max_epochs=2", "tracking=none"),
        "review": ("review", *mine, "serve=false"),
    }


def _judge(
    hostile: Hostile, name: str, root: Path, folder: Path, trap: Trap, way: tuple[str, ...]
) -> Fault:
    sound = {c: (folder / "checkpoints" / c).read_bytes() for c in CHECKPOINTS}
    try:
        for checkpoint in CHECKPOINTS:
            plant_in_checkpoint(folder / "checkpoints" / checkpoint, hostile, trap)
        app, *arguments = way
        ended = run(app, root, *arguments)
    finally:
        for checkpoint, content in sound.items():
            (folder / "checkpoints" / checkpoint).write_bytes(content)
    return Fault(
        "foreign",
        f"{hostile.name} ({hostile.place}), {name}",
        EXPECTED,
        _observed(ended, trap),
        _refused(ended) and not trap.canary.exists(),
        single=True,
    )


def _refused(ended: Ended) -> bool:
    return ended.code == 1 and len(ended.errors) == 1 and not ended.traceback


def _observed(ended: Ended, trap: Trap) -> str:
    if trap.canary.exists():
        return "executed"
    return "refused, not executed" if _refused(ended) else f"not executed, exit {ended.code}"
