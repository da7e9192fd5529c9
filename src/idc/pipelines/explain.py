"""Explain a finished run: any patches, methods and slide maps, logged to that run."""

import re
from itertools import count
from pathlib import Path

from idc.attribution.pipeline.run_steps import Explained, explain_all
from idc.attribution.pipeline.step import EXPLAIN, VERDICTS, stored_trust
from idc.attribution.pipeline.target import check_target
from idc.attribution.select import parse_selection
from idc.config.build import Config
from idc.data.index import is_multi_label
from idc.errors import ConfigError
from idc.pipelines.finished_run import TrainedRun, opened_run
from idc.pipelines.subject import hide_names, select_pool, subject_of
from idc.pipelines.validate import check_values
from idc.reports.description import with_section
from idc.tracking.integrity import digest_tags
from idc.tracking.lookup import all_metrics, list_artifacts
from idc.tracking.mlflow_run import NOTE_TAG, MlflowRun

KIND = "explain"
SHOWN = 3  # sentences in the run's description


def explain_run(config: Config, folder: Path) -> tuple[Explained, str]:
    """Explain a run of `idc.train` and add the results to it, under ``explain/``.

    Returns:
        The results, and the folder of the run's artifacts that holds them.

    Raises:
        IdcError: The user can correct it.
    """
    check_values(config)
    selection = parse_selection(config["explain"]["select"])
    with opened_run(config, folder, KIND) as run:
        selection = hide_names(selection, run.store.redactor.pseudonyms)
        target = config["explain"]["target"]
        check_target(target, run.class_names, is_multi_label(run.predictions()))
        label = selection.label + (f"_{target}" if target else "")
        under = _free_folder(run, config["name"] or label)
        material = run.material()
        subject = subject_of(run, material)
        subject, pool = select_pool(subject, material, run.decider, selection, config)
        trust = stored_trust(run.store, run.record, config, run.folder)
        files = folder / EXPLAIN
        explained = explain_all(subject, config["explain"], selection, pool, files, trust)
        logged = MlflowRun(run.store, run.run_id, reopen=False)
        # Metrics that the run has stay: another sample or plan would give them another meaning.
        before = all_metrics(run.store, run.record)
        logged.metrics({k: v for k, v in explained.metrics.items() if k not in before})
        logged.artifacts(files, under)
        title = f"Explained: {under.removeprefix(f'{EXPLAIN}/')}"
        note = with_section(run.note, title, explained.sentences[:SHOWN], under, run.place)
        logged.tags({**digest_tags(files, (VERDICTS,), f"{under}/"), NOTE_TAG: note})
        for error in explained.failures.values():
            raise error
    return explained, under


def _free_folder(run: TrainedRun, name: str) -> str:
    """A new folder among the run's artifacts: beside the earlier ones, never over one."""
    clean = re.sub(r"[^\w=-]+", "_", run.store.redactor.text(str(name))).strip("_")
    if not clean:
        raise ConfigError(f"name={name}: give one with letters or digits.")
    used = {path for path, _ in list_artifacts(run.store, run.run_id, EXPLAIN)}
    numbered = (f"{EXPLAIN}/{clean}" + (f"-{n}" if n > 1 else "") for n in count(1))
    return next(place for place in numbered if place not in used)
