"""Evaluate finished runs, alone or as an ensemble, and log the result as a child run."""

from contextlib import ExitStack
from pathlib import Path

from idc.attribution.pipeline.options import refuse_named
from idc.attribution.pipeline.step import stored_trust
from idc.config.build import Config, build
from idc.evaluation.inference import Inference
from idc.pipelines.evaluation_artifacts import record_evaluation, record_explanation, record_report
from idc.pipelines.finished_run import choose_device, find_members, open_run, required_store
from idc.pipelines.label_corrections import record_corrections
from idc.pipelines.parameters import parameters
from idc.pipelines.run_context import RunContext, tracked_run
from idc.pipelines.scoring import score_other_data, score_own_data
from idc.pipelines.training_artifacts import material_tags, record_config_file
from idc.pipelines.validate import check_values
from idc.runtime.cost import Meter
from idc.runtime.outcome import Outcome
from idc.tracking.entities import RunRecord
from idc.tracking.provenance import origin_tags

KIND = "evaluate"
OWN = "run"  # data=run: the run's own data


def evaluate_run(config: Config, folder: Path) -> Outcome:
    """Evaluate a run, or a sweep's ensemble, on its own or on other data.

    Raises:
        IdcError: The user can correct it.
    """
    check_values(config)
    refuse_named(config["explain"])
    store = required_store(config)
    record, members = find_members(store, config["run"])
    device = choose_device(config["device"])
    outcome = Outcome(str(config["name"] or _name(config, record, len(members))), kind=KIND)
    context = RunContext(outcome, config, folder, store.redactor)
    meter = Meter(device)
    with ExitStack() as stack:

        def begin() -> None:
            # Not sooner: what fails before anything is scored leaves no run behind.
            if outcome.run_id is None:
                parent = str(record.info.run_id)
                run = stack.enter_context(tracked_run(store, context, parent))
                run.params(parameters(context.shown, KIND))
                record_config_file(context)
                run.tags(origin_tags("idc.evaluate", store.redactor.pseudonyms))
                run.tags({"idc.kind": KIND, "idc.evaluates": parent})

        with meter:
            own = config["choices"]["data"] == OWN
            restored = folder / "restored"
            runs = [open_run(store, one, config, restored, other_data=not own) for one in members]
            score = score_own_data if own else score_other_data
            evaluation = score(runs, config, device, begin)
        context.costs["evaluate"] = meter.cost
        context.evaluates = [run.run_id for run in runs]
        context.config = runs[0].config | {k: config[k] for k in ("explain", "intervals", "report")}
        outcome.class_names = list(runs[0].class_names)
        material = evaluation.material
        context.run.tags(material_tags(material, outcome.class_names))
        record_corrections(context.run, material.corrections, material.index, folder)
        record_evaluation(context, evaluation)
        # An ensemble is not explained: it has no single network.
        network = runs[0].network().to(device) if len(runs) == 1 else None
        trust = stored_trust(store, record, config, restored) if own and network else None
        explained = record_explanation(context, evaluation, network, trust)
        record_report(context, evaluation, explained)
    return outcome


def _name(config: Config, record: RunRecord, members: int) -> str:
    data = config["choices"]["data"]
    inference: Inference = build(config["inference"], "inference")
    who = f"ensemble of {members}" if members > 1 else str(record.info.run_name)
    what = "own test split" if data == OWN else data
    return f"{', '.join([what, *inference.names])}: {who}"  # what differs comes first
