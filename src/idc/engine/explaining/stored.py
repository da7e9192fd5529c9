"""What a run's explanations said of the attribution methods, as the run holds it."""

import json
from pathlib import Path

from mlflow.entities import Run as MlflowRecord

from idc.engine.config import Config
from idc.engine.explaining.faith import VERDICTS
from idc.engine.explaining.part import Trust
from idc.engine.restore import run_file
from idc.errors import CheckpointError, NotHeldError
from idc.tracking.lookup import list_artifacts
from idc.tracking.store import Store

EXPLAIN = "explain"


def stored_trust(store: Store, record: MlflowRecord, config: Config, folder: Path) -> Trust:
    """How far the attribution methods can be trusted for a run.

    What the training found comes first; what was explained later adds the methods that it did not
    look at.

    Args:
        store: Where the run is kept.
        record: What the store knows of it.
        config: The configuration of now, for the places of this machine.
        folder: Where to download to.

    Returns:
        What was measured, the best method first; nothing where nothing was.
    """
    run_id = str(record.info.run_id)
    names = [f"{EXPLAIN}/{VERDICTS}"]
    names += [
        f"{path}/{VERDICTS}"
        for path, is_folder in list_artifacts(store, run_id, EXPLAIN)
        if is_folder
    ]
    marks: dict[str, str] = {}
    order: list[str] = []
    for name in names:
        try:
            path = run_file(store, record, config, name, folder)
        except NotHeldError:
            continue
        order_then, marks_then = _read(path)
        new = [method for method in order_then if method not in order]
        marks |= {method: words for method, words in marks_then.items() if method in new}
        order += new
    return Trust(order, marks)


def _read(path: Path) -> tuple[list[str], dict[str, str]]:
    """The methods in order, and the marks of those that are not to be trusted."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        order, marks = list(map(str, content["order"])), dict(content["marks"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CheckpointError(
            f"{path} is damaged: it does not tell which attributions to trust."
        ) from error
    return order, marks
