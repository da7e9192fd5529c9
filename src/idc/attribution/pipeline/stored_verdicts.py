"""What a run's explanations said of the attribution methods, as the run holds it."""

import json
from collections.abc import Sequence
from pathlib import Path

from idc.attribution.pipeline.faithfulness_step import VERDICTS
from idc.attribution.pipeline.step import Trust
from idc.config.build import Config
from idc.errors import CheckpointError, MissingArtifactError
from idc.tracking.entities import RunRecord
from idc.tracking.lookup import list_artifacts
from idc.tracking.mlflow_store import MlflowStore
from idc.tracking.run_files import run_file

EXPLAIN = "explain"


def stored_trust(store: MlflowStore, record: RunRecord, config: Config, folder: Path) -> Trust:
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
    deciding: Sequence[str] = ()
    for name in names:
        try:
            path = run_file(store, record, config, name, folder)
        except MissingArtifactError:
            continue
        then = _read(path)
        new = [method for method in then.order if method not in order]
        marks |= {method: words for method, words in then.marks.items() if method in new}
        order += new
        deciding = deciding or then.deciding  # decided once, when the run was explained first
    return Trust(order, marks, deciding)


def _read(path: Path) -> Trust:
    """What one explanation found."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        # Older runs did not keep what decided.
        deciding = content.get("references", {}).get("deciding", [])
        return Trust(list(map(str, content["order"])), dict(content["marks"]), tuple(deciding))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise CheckpointError(
            f"{path} is damaged: it does not tell which attributions to trust."
        ) from error
