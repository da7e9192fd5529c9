"""An evaluation of trained runs, as a run of its own under the one that it asks."""

import json
import logging
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import torch
import yaml

from idc.attribution.pipeline.options import refuse_named
from idc.config.build import Config, build
from idc.data.material import Material
from idc.errors import ConfigError
from idc.evaluation.evaluate import Evaluation
from idc.evaluation.inference import Inference
from idc.pipelines.evaluation_artifacts import record_evaluation, record_explanation
from idc.pipelines.label_corrections import record_corrections
from idc.pipelines.lifecycle import LOG_FILE, configured_store, lifecycle
from idc.pipelines.report_inputs import Account, Kind
from idc.pipelines.restore import Restored, members, restore
from idc.pipelines.scoring import ask_about_others, ask_about_own
from idc.pipelines.training_artifacts import parameters
from idc.pipelines.validate import check_values
from idc.runtime import signals
from idc.runtime.atomic import write_text
from idc.runtime.cost import Meter
from idc.runtime.outcome import Outcome
from idc.tracking.alive import locked
from idc.tracking.entities import RunRecord
from idc.tracking.mlflow_run import MlflowRun
from idc.tracking.mlflow_store import MlflowStore
from idc.tracking.privacy import Redactor, hidden_values
from idc.tracking.provenance import origin_tags

log = logging.getLogger(__name__)
KIND = "evaluate"
OWN = "run"  # the choice of data that means the run's own
ACTIONS = ("fail", "drop", "keep")


def evaluate_run(config: Config, folder: Path) -> Outcome:
    """Ask a run, or a sweep's ensemble, about data, and log what it says.

    Args:
        config: The resolved configuration of ``conf/evaluate.yaml``.
        folder: Where the files go; they are logged too.

    Raises:
        IdcError: Something that the user can mend.
    """
    _check(config)
    store = configured_store(config)
    if store is None:
        raise ConfigError("tracking=none: a run can only be found where runs are tracked.")
    record, found = members(store, config["run"])
    name = str(config["name"] or _name(config, record, found))
    outcome = Outcome(name, kind=KIND)
    store.redactor.register_paths(hidden_values(config).values())
    device = choose_device(config["device"])
    meter = Meter(device)
    with ExitStack() as stack:
        opened: list[MlflowRun] = []

        def begin() -> None:
            # Not sooner: what fails before anything is scored leaves no run behind.
            if opened:
                return
            with signals.deferred():  # a run that is open will be closed
                opened.append(MlflowRun(store, name=name, parent=str(record.info.run_id)))
                outcome.run_id = opened[0].run_id
                mlruns = Path(config["paths"]["mlruns"])
                stack.enter_context(locked(mlruns, outcome.run_id, "run"))
                stack.enter_context(lifecycle(opened[0], outcome, folder, LOG_FILE))
            _record_question(opened[0], config, record, store.redactor, folder)

        with meter:
            runs = [_restored(store, one, config, folder / "restored") for one in found]
            evaluation, material = _ask(store, runs, config, device, folder, begin)
        _record_answer(
            opened[0], config, store, runs, outcome, evaluation, material, meter, folder, device
        )
    return outcome


def _check(config: Config) -> None:
    check_values(config)
    refuse_named(config["explain"])
    build(config["inference"], "inference")
    if config["known_patients"] not in ACTIONS:
        raise ConfigError(
            f"known_patients={config['known_patients']}: choose {', '.join(ACTIONS)}."
        )


def _record_question(
    run: MlflowRun, config: Config, record: RunRecord, redactor: Redactor, folder: Path
) -> None:
    shown = redactor.config(config)
    run.params({k: v for k, v in config["choices"].items() if v is not None})
    run.params(parameters(shown))
    run.tags(
        {
            **origin_tags("idc.evaluate", redactor.pseudonyms),
            "idc.kind": KIND,
            "idc.evaluates": str(record.info.run_id),
        }
    )
    write_text(folder / "config.yaml", yaml.safe_dump(shown, sort_keys=False))
    run.artifacts(folder / "config.yaml")


def _record_answer(
    run: MlflowRun,
    config: Config,
    store: MlflowStore,
    runs: list[Restored],
    outcome: Outcome,
    evaluation: Evaluation,
    material: Material,
    meter: Meter,
    folder: Path,
    device: torch.device,
) -> None:
    outcome.class_names = list(runs[0].class_names)
    outcome.metrics = evaluation.metrics
    outcome.notes = evaluation.notes
    run.tags(
        {
            "data.fingerprint": material.fingerprint,
            "data.notes": json.dumps(material.decisions.notes()),
            "data.class_names": json.dumps(runs[0].class_names),
            "leaky": str(material.leaky).lower(),
        }
    )
    record_corrections(run, material.corrections, material.index, folder)
    kind: Kind = "ensemble" if len(runs) > 1 else "evaluate"
    about = {**runs[0].config, **{key: config[key] for key in ("explain", "intervals", "report")}}
    account = Account(
        run,
        outcome.name,
        kind,
        about,
        evaluation,
        material,
        runs[0].class_names,
        folder,
        {"evaluate": meter.cost},
        store.redactor,
        f"runs:/{runs[0].run_id}/model" if len(runs) == 1 else "",
    )
    record_evaluation(account)
    record_explanation(account, runs[0].network().to(device) if len(runs) == 1 else None)


def _restored(store: MlflowStore, record: RunRecord, config: Config, folder: Path) -> Restored:
    own = config["choices"]["data"] == OWN
    root = config["data"]["root"] if own else None
    given = ["data.root", "data.source.root"] if root or not own else []
    given += [] if own else ["split.file"]
    return restore(store, record, config, given, folder, root)


def _ask(
    store: MlflowStore,
    runs: list[Restored],
    config: Config,
    device: torch.device,
    folder: Path,
    begin: Callable[[], None],
) -> tuple[Evaluation, Material]:
    redactor = store.redactor
    if config["choices"]["data"] == OWN:
        return ask_about_own(runs, config, device, redactor, begin)
    return ask_about_others(store, runs, config, device, redactor, folder / "restored", begin)


def choose_device(asked: str) -> torch.device:
    """The device that a name means; ``auto`` takes a GPU where there is one.

    Raises:
        ConfigError: There is no such device.
    """
    if asked == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(asked)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError, ValueError) as error:
        raise ConfigError(f"device={asked}: there is no such device here; use auto.") from error
    return device


def _name(config: Config, record: RunRecord, found: list[Any]) -> str:
    data = config["choices"]["data"]
    inference: Inference = build(config["inference"], "inference")
    who = f"ensemble of {len(found)}" if len(found) > 1 else str(record.info.run_name)
    what = "its own test split" if data == OWN else data
    return ", ".join([f"{who} on {what}", *inference.names])
