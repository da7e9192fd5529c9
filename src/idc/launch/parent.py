"""The sweep's parent run: what its children have in common, and how they compare."""

import json
import logging
import sys
from pathlib import Path
from typing import Any

import pandas as pd
from omegaconf import DictConfig, OmegaConf

from idc.engine.lifecycle import close_for
from idc.engine.outcome import Outcome, load_outcome
from idc.errors import ConfigError
from idc.launch.comparison import PREDICTIONS, compare
from idc.launch.leaderboard import METRICS, leaderboard
from idc.launch.sweep import Sweep, job_name, settings_of
from idc.launch.table import mean_and_spread, print_leaderboard
from idc.tracking.facts import origin_tags
from idc.tracking.lookup import children, fetch_artifact, find_run
from idc.tracking.run import NOTE_TAG, MlflowRun
from idc.tracking.store import Store, open_store

log = logging.getLogger(__name__)
COMPARISON = "comparison"
# By the machine or a cluster, so that the job could not say so itself.
ENDED_FROM_OUTSIDE = "the job's process was ended from outside: out of memory, or a time limit?"
OVERRIDES_TAG = "idc.sweep.overrides"


def open_parent(sweep: Sweep, config: DictConfig) -> Sweep:
    """Create the parent run, or take up that of an interrupted sweep.

    Args:
        sweep: The sweep.
        config: The composed configuration, with its ``hydra`` node.

    Raises:
        TrackingError: The store cannot be used.
        ConfigError: ``sweep.resume`` names a sweep of another command.
    """
    sweep.config = _tracking_config(config)
    store = _store(sweep)
    resume = OmegaConf.select(config, "sweep.resume")
    if store is None:
        if resume:
            raise ConfigError("sweep.resume needs tracking; it was off (tracking=none).")
        return sweep
    if resume:
        sweep.parent = str(resume)
        sweep.done = _finished_children(store, sweep)
        MlflowRun(store, sweep.parent)
        log.info("sweep %s: %d job(s) are already done", resume, len(sweep.done))
        return sweep
    name = str(OmegaConf.select(config, "name") or _default_name(sweep))
    origin = origin_tags()
    run = MlflowRun(store, name=name[:200])
    run.tags(
        {
            **origin,
            "idc.kind": "sweep",
            OVERRIDES_TAG: json.dumps(_own_overrides(sweep)),
        }
    )
    run.params(
        {f"sweep.{key}": value for key, value in settings_of(sweep.overrides, sweep.swept).items()}
    )
    sweep.parent = run.run_id
    return sweep


def _tracking_config(config: DictConfig) -> dict[str, Any]:
    return {
        "kind": str(config.tracking.kind),
        "uri": config.tracking.uri,
        "experiment": str(config.tracking.experiment),
        "mlruns": str(config.paths.mlruns),
    }


def _store(sweep: Sweep) -> Store | None:
    asked = sweep.config
    return open_store(asked["kind"], asked["uri"], asked["experiment"], Path(asked["mlruns"]))


def _own_overrides(sweep: Sweep) -> list[str]:
    return [o for o in sweep.overrides if not o.startswith("sweep.resume")]


def _default_name(sweep: Sweep) -> str:
    return " ".join(
        ["sweep", *(f"{k}={v}" for k, v in settings_of(sweep.overrides, sweep.swept).items())]
    )


def _finished_children(store: Store, sweep: Sweep) -> dict[str, str]:
    assert sweep.parent is not None
    found = children(store, sweep.parent)
    before = json.loads(find_run(store, sweep.parent).data.tags.get(OVERRIDES_TAG, "null"))
    if before != _own_overrides(sweep):
        raise ConfigError(
            f"sweep.resume={sweep.parent}: that sweep was started with {before}; repeat the same "
            f"overrides, with sweep.resume added."
        )
    return {
        job_name(json.loads(child.data.tags.get("idc.settings", "{}"))): child.info.run_id
        for child in found
        if child.info.status == "FINISHED"
    }


def close_parent(sweep: Sweep, code: int) -> int:
    """Compare the children, log it on the parent, and end it.

    Args:
        sweep: The sweep.
        code: The exit code so far: 130 if it was stopped.

    Returns:
        The exit code: not 0 if a job failed or did not run.
    """
    folders = sorted((p.parent for p in sweep.folder.glob("*/outcome.json")), key=_job_number)
    store = _store(sweep)
    ran = {folder: o for folder in folders if (o := load_outcome(folder))}
    for folder, outcome in ran.items():
        if outcome.status == "RUNNING":
            close_for(store, outcome, folder, "FAILED", ENDED_FROM_OUTSIDE)
    if store is None or sweep.parent is None:
        return _compare_and_tell(sweep, ran, store, code)[0]
    run = MlflowRun(store, sweep.parent)
    try:
        code, board, outcomes = _compare_and_tell(sweep, ran, store, code)
        run.artifacts(sweep.folder / COMPARISON, COMPARISON)
        run.tags({NOTE_TAG: _note(sweep, board, outcomes, store)})
        failed = sum(o.status != "FINISHED" for o in outcomes)
        run.metrics({"sweep/finished": len(outcomes) - failed, "sweep/failed": failed})
        if len(board):
            best = board.iloc[0]
            run.metrics({f"best/{m.removeprefix('test/')}": best[f"{m}_mean"] for m in METRICS})
            run.tags({"idc.sweep.best": best["setting"]})
    except BaseException:
        run.end("FAILED")
        raise
    run.end("KILLED" if code == 130 else "FAILED" if code else "FINISHED")
    print(f"sweep:  {sweep.parent}", file=sys.stderr)
    return code


def _job_number(folder: Path) -> tuple[int, str]:
    return (int(folder.name) if folder.name.isdigit() else sys.maxsize, folder.name)


def _compare_and_tell(
    sweep: Sweep, ran: dict[Path, Outcome], store: Store | None, code: int
) -> tuple[int, pd.DataFrame, list[Outcome]]:
    """Compare what finished, print it, and say what failed.

    Returns:
        The exit code, the leaderboard, and all outcomes, those of an earlier attempt too.
    """
    outcomes = list(ran.values())
    predictions = {o.name: f / PREDICTIONS for f, o in ran.items() if (f / PREDICTIONS).is_file()}
    if store is not None:
        for name, run_id in sweep.done.items():
            outcomes.append(_outcome_of(store, name, run_id))
            target = sweep.folder / "done" / run_id
            predictions[name] = fetch_artifact(store, run_id, PREDICTIONS, target)
    board = leaderboard(outcomes)
    if len(board):
        compare(board, outcomes, predictions, sweep.folder / COMPARISON)
        print_leaderboard(board, list(METRICS))
    failed = [o for o in outcomes if o.status != "FINISHED"]
    for outcome in failed:
        print(f"failed: {outcome.name}: {outcome.error}", file=sys.stderr)
    return (1 if failed and code == 0 else code), board, outcomes


def _outcome_of(store: Store, name: str, run_id: str) -> Outcome:
    data = find_run(store, run_id).data
    return Outcome(
        name,
        "FINISHED",
        run_id,
        metrics=dict(data.metrics),
        settings=json.loads(data.tags.get("idc.settings", "{}")),
        class_names=json.loads(data.tags.get("data.class_names", "[]")),
    )


def _note(sweep: Sweep, board: pd.DataFrame, outcomes: list[Outcome], store: Store) -> str:
    """The parent's description in the UI: the leaderboard and links to the children."""
    heads = [m.removeprefix("test/").replace("_", " ") for m in METRICS]
    lines = [f"Sweep `{' '.join(_own_overrides(sweep))}`", ""]
    if len(board):
        lines += [f"| setting | runs | {' | '.join(heads)} |", "|---" * (len(heads) + 2) + "|"]
        for _, row in board.iterrows():
            cells = [mean_and_spread(row[f"{m}_mean"], row[f"{m}_std"]) for m in METRICS]
            lines.append(f"| {row['setting']} | {row['runs']} | {' | '.join(cells)} |")
    lines += ["", "Runs:", ""]
    for outcome in outcomes:
        link = f"#/experiments/{store.experiment_id}/runs/{outcome.run_id}"
        name = f"[{outcome.name}]({link})" if outcome.run_id else outcome.name
        error = f": {outcome.error}" if outcome.error else ""
        lines.append(f"- {name} {outcome.status.lower()}{error}")
    return "\n".join(lines)
