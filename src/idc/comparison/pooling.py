"""Out-of-fold predictions: each patch scored once, by a model that was not trained on it."""

import hashlib
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from idc.comparison.contestant import Contestant
from idc.config.build import Config
from idc.evaluation.classification_report import write_report
from idc.evaluation.evaluate import thinned
from idc.evaluation.figures import numbers_figures
from idc.evaluation.test_metrics import Numbers, take_numbers
from idc.metrics.definitions import METRIC_NAMES
from idc.reports.filenames import safe_names
from idc.runtime.atomic import replacing
from idc.runtime.drawing import save_figures

TABLE = "pooled.csv"
PREDICTIONS = "predictions.parquet"
LONGEST_SLUG = 80
MAX_DRAWN = 8  # settings whose pooled figures are drawn


def slug(name: str) -> str:
    """Convert a name to a folder name of letters, digits and ``-_.=``."""
    plain = re.sub(r"[^\w.=-]+", "_", name).strip("_") or "_"
    if len(plain) <= LONGEST_SLUG:
        return plain
    digest = hashlib.blake2b(name.encode(), digest_size=3).hexdigest()
    return f"{plain[: LONGEST_SLUG - 7]}-{digest}"


def pool_numbers(
    contestants: Sequence[Contestant], config: Config, folder: Path, class_names: Sequence[str]
) -> tuple[pd.DataFrame, dict[str, pd.DataFrame]]:
    """Measure each setting's pooled predictions, and write predictions, tables and figures.

    Args:
        contestants: Settings and baselines; baselines are ignored.
        config: Resolved configuration, of which ``intervals`` and ``report`` are read.
        folder: Output folder of ``predictions.parquet``, ``pooled.csv`` and one folder per setting.
        class_names: Name of each class.

    Returns:
        One row per setting, repeat and metric: ``setting``, ``repeat``, ``metric``, ``value``,
        ``low``, ``high`` (NaN without an interval); and the table by patient of each setting's
        first repeat.
    """
    folder.mkdir(parents=True, exist_ok=True)
    runs = [contestant for contestant in contestants if contestant.kind == "run"]
    frames, rows, patients = [], [], {}
    for number, contestant in enumerate(runs):
        for repeat, frame in contestant.repeats.items():
            frames.append(frame.assign(setting=contestant.name, repeat=repeat))
            numbers = take_numbers(
                frame, frame, contestant.classes, config, None, contestant.leaky, class_names
            )
            rows += list(_rows(contestant.name, repeat, numbers))
            if contestant.name not in patients:
                patients[contestant.name] = numbers.per_patient
                target = folder / slug(contestant.name)
                target.mkdir(exist_ok=True)
                for name, table in numbers.tables.items():
                    path = target / f"{name}.csv"
                    thinned(table).to_csv(path, index=False, float_format="%.6g")
                write_report(frame, class_names, target)
                if number < MAX_DRAWN and config["report"]:
                    figures = numbers_figures(frame, numbers, None, class_names)
                    save_figures(figures, target)
    if frames:
        with replacing(folder / PREDICTIONS) as path:
            pd.concat(frames, ignore_index=True).to_parquet(path, index=False)
    columns = ["setting", "repeat", "metric", "value", "low", "high"]
    table = pd.DataFrame(rows, columns=columns)
    table.to_csv(folder / TABLE, index=False, float_format="%.6g")
    return table, patients


def _rows(setting: str, repeat: str, numbers: Numbers) -> Iterator[dict[str, Any]]:
    metrics = numbers.metrics
    for name in (*METRIC_NAMES, "brier", "log_loss", "ece", "worst_patient_recall"):
        if (value := metrics.get(f"test/{name}")) is not None:
            low, high = (metrics.get(f"test/{name}_ci_{end}", np.nan) for end in ("low", "high"))
            yield {
                "setting": setting,
                "repeat": repeat,
                "metric": name,
                "value": value,
                "low": low,
                "high": high,
            }


def board_metrics(board: pd.DataFrame) -> dict[str, float]:
    """Leaderboard values to log: ``leaderboard/<contestant>/<metric>``, with intervals.

    Args:
        board: See `idc.comparison.leaderboard.leaderboard`.
    """
    ends = {"_mean": "", "_low": "_ci_low", "_high": "_ci_high"}
    metrics = {}
    stems = safe_names(str(name) for name in board.get("setting", ()))
    for row in board.to_dict("records"):
        for column, value in row.items():
            metric, _, end = str(column).rpartition("_")
            if (logged := ends.get(f"_{end}")) is not None:
                name = metric.removeprefix("test/")
                metrics[f"leaderboard/{stems[str(row['setting'])]}/{name}{logged}"] = float(value)
    return metrics


def pooled_metrics(table: pd.DataFrame) -> dict[str, float]:
    """Pooled values to log: ``pooled/<setting>/<metric>``, means over repeats."""
    means = table.groupby(["setting", "metric"], sort=False)["value"].mean().reset_index()
    stems = safe_names(means["setting"].map(str))
    return {
        f"pooled/{stems[str(row['setting'])]}/{row['metric']}": float(row["value"])
        for row in means.to_dict("records")
    }
