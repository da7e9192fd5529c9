"""Which metrics MLflow itself holds, and the table with all others.

MLflow's lists, column picker and charts can be read with some sixty metrics per run. So whatever
has a course over steps and the numbers named here are MLflow metrics; every other number (slices,
patients, methods, audit, further intervals) is a row of a table among the run's artifacts.
"""

import csv
import math
import re
from collections.abc import Mapping
from pathlib import Path

from idc.errors import CheckpointError, first_line
from idc.metrics.definitions import METRIC_NAMES

FOLDER = "metrics"  # of the tables, among a run's artifacts
TABLE = "details.csv"  # of the process that runs the run
LATER = "later-{time}.csv"  # of one that adds to a run that has ended; read after `TABLE`
COLUMNS = ["metric", "value"]
# Logged first, and the columns of the saved view.
HEADLINE = (
    "test/f1",
    "test/f1_ci_low",
    "test/f1_ci_high",
    "test/recall",
    "test/precision",
    "test/specificity",
    "test/balanced_accuracy",
    "test/accuracy",
    "test/auroc",
    "test/average_precision",
    "test/ece",
    "val/threshold",
)
_NAMES = "|".join(METRIC_NAMES)
SHOWN = re.compile(
    rf"(train|val|test)/(loss|{_NAMES})"
    rf"|test/(f1|recall|auroc|average_precision)_ci_(low|high)"
    rf"|test/({_NAMES})_smoothed"
    r"|test/label/[\w.-]+/(recall|f1|auroc)"
    r"|test/(f1_at_0\.5|ece|brier|log_loss|worst_patient_recall)|val/threshold"
    r"|(time|best|sweep|data)/\w+"
    r"|review/(cases|readers|answers|unsure|(fleiss_)?kappa\w*|suspects|corrections)"
)


def is_shown(name: str) -> bool:
    """Whether a single number is an MLflow metric; otherwise it is a row of the table."""
    return SHOWN.fullmatch(name) is not None


def headline_first(values: Mapping[str, float]) -> dict[str, float]:
    """The values in the order in which MLflow is to list them."""
    first = {name: values[name] for name in HEADLINE if name in values}
    return {**first, **values}


def write_table(values: Mapping[str, float], path: Path) -> None:
    """Write a table of metrics, sorted by name."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(sorted((name, repr(float(value))) for name, value in values.items()))


def read_table(path: Path) -> dict[str, float]:
    """Read a table of metrics.

    Raises:
        CheckpointError: It is damaged.
    """
    try:
        with path.open(encoding="utf-8", newline="") as file:
            heading, *rows = csv.reader(file)
        values = {name: float(value) for name, value in rows}
        if heading != COLUMNS or not all(map(math.isfinite, values.values())):
            raise ValueError("not a table of finite metrics")
        return values
    except (OSError, ValueError) as error:
        raise CheckpointError(
            f"{path.name}: the run's table of metrics is damaged ({first_line(error)}). Restore it "
            f"among the run's artifacts, under {FOLDER}/, or delete it there."
        ) from error
