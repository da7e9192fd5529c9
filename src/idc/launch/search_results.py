"""What a hyperparameter search gave: its tables, figures and sentences, for the parent run."""

import logging
import shlex
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd
from matplotlib.figure import Figure

from idc.launch.search import FOLDER, RUN, VALUES, open_study, repeated
from idc.launch.sweep_record import Sweep, job_name
from idc.plots.search import history_figure, importance_figure, parallel_figure, slice_figure
from idc.reports.templating import notes
from idc.runtime.drawing import save_figures
from idc.text import metric_label
from idc.tracking.privacy import displayed_settings

if TYPE_CHECKING:  # an extra
    from optuna import Study

log = logging.getLogger(__name__)
FIXED_LEFT_OUT = ("sweep.", "search.", "search=", "hydra", "launcher")


@dataclass(frozen=True)
class SearchResult:
    """The trials of a search.

    Attributes:
        trials: One row per trial: ``trial``, ``state``, ``value``, ``epochs``, ``run``, and a
            column for what was searched.
        best: Name of the best trial by validation, or None.
        importance: Key to its share in the variance of the objective; empty if that is unknown.
        notes: The result and its caveats, in sentences.
        metrics: To log on the parent.
    """

    trials: pd.DataFrame
    best: str | None
    importance: Mapping[str, float]
    notes: list[str]
    metrics: dict[str, float]


def search_result(sweep: Sweep) -> SearchResult:
    """The result of a sweep's search so far, also written to its folder with the figures."""
    assert sweep.search is not None
    study, metric = open_study(sweep), str(sweep.search["metric"])
    frame = _table(study)
    parameters = [str(name) for name in frame if name not in COLUMNS]
    whole = frame[frame["state"] == "COMPLETE"]
    importance = _importance(study) if len(whole) > 1 else {}
    best, values, command, number, value = None, {}, "", -1, float("nan")
    if len(whole):
        found = study.best_trial
        number, value, values = found.number, float(found.value), dict(found.user_attrs[VALUES])
        best = job_name({key.lstrip("+"): text for key, text in values.items()})
        command = _command(sweep, values)
    counts = frame["state"].value_counts()
    sentences = notes(
        "search_notes.j2",
        metric=metric_label(metric),
        name=metric,
        trial=number,
        value=value,
        values=values,
        command=command,
        complete=len(whole),
        pruned=int(counts.get("PRUNED", 0)),
        failed=int(counts.get("FAIL", 0)),
    )
    folder = sweep.folder / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    frame.to_csv(folder / "trials.csv", index=False, float_format="%.6g")
    if values:
        table = pd.DataFrame({"option": list(values), "value": list(values.values())})
        table["importance"] = table["option"].map(importance)
        table.to_csv(folder / "best.csv", index=False, float_format="%.3g")
        (folder / "best.sh").write_text(f"{command}\n", encoding="utf-8")
    log_scaled = [key for key, one in _distributions(study).items() if getattr(one, "log", False)]
    figures = _figures(frame, parameters, metric, sweep.search["mode"], importance, log_scaled)
    save_figures(figures, folder)
    shown = {f"search/{str(name).lower()}": float(count) for name, count in counts.items()}
    if best is not None:
        shown |= {"search/best": value, "search/best_trial": float(number)}
    return SearchResult(frame, best, importance, sentences, shown)


COLUMNS = ("trial", "state", "value", "epochs", "run")


def _table(study: "Study") -> pd.DataFrame:
    """One row per trial that has begun; of those put in line again the last attempt."""
    trials = study.get_trials(deepcopy=False)
    again = repeated(trials)
    rows = [
        {
            "trial": trial.number,
            "state": trial.state.name,
            "value": trial.value if trial.state.name == "COMPLETE" else _last(trial),
            "epochs": max(trial.intermediate_values, default=0),
            "run": trial.user_attrs.get(RUN) or "",
            **{key.lstrip("+"): value for key, value in trial.params.items()},
        }
        for trial in trials
        if trial.number not in again and VALUES in trial.user_attrs
    ]
    return pd.DataFrame(rows, columns=None if rows else list(COLUMNS))


def _last(trial: object) -> float:
    reported: Mapping[int, float] = getattr(trial, "intermediate_values", {})
    return reported[max(reported)] if reported else float("nan")


def _distributions(study: "Study") -> dict[str, object]:
    trials = study.get_trials(deepcopy=False)
    return {key.lstrip("+"): one for trial in trials for key, one in trial.distributions.items()}


def _importance(study: "Study") -> dict[str, float]:
    """FANOVA's shares (Hutter et al. 2014); empty where the values do not differ."""
    from optuna.importance import FanovaImportanceEvaluator, get_param_importances

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            shares = get_param_importances(study, evaluator=FanovaImportanceEvaluator(seed=0))
    except (ValueError, RuntimeError) as error:
        log.info("the importance of the options is unknown: %s", error)
        return {}
    return {key.lstrip("+"): float(share) for key, share in shares.items() if share == share}


def _command(sweep: Sweep, values: Mapping[str, str]) -> str:
    """The command that trains with the best values; ``sweep.overrides`` hide what must not show."""
    searched = {key.lstrip("+") for key in values}
    fixed = [
        one
        for one in sweep.overrides
        if one.lstrip("+").partition("=")[0] not in searched and not one.startswith(FIXED_LEFT_OUT)
    ]
    chosen = displayed_settings([f"{k}={v}" for k, v in values.items()], sweep.redactor)
    return shlex.join(["python", "-m", "idc.train", *fixed, *chosen])


def _figures(
    frame: pd.DataFrame,
    parameters: list[str],
    metric: str,
    mode: str,
    importance: Mapping[str, float],
    log_scaled: list[str],
) -> Iterator[tuple[str, Figure]]:
    if frame.empty:
        return
    yield "history", history_figure(frame, metric, mode)
    if importance:
        yield (
            "importance",
            importance_figure(importance, metric, int((frame["state"] == "COMPLETE").sum())),
        )
    yield "slices", slice_figure(frame, parameters, metric, log_scaled)
    yield "parallel_coordinates", parallel_figure(frame, parameters, metric, log_scaled)
