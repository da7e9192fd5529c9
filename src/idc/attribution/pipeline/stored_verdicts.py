"""The stored verdicts of a run on its attribution methods."""

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

    Those of the training come first; later explanations add the methods that it did not measure.

    Args:
        store: The store of the run.
        record: Its record in the store.
        config: The present configuration, for this machine's folders.
        folder: Folder for downloads.

    Returns:
        The measured methods, the best first; none where nothing was measured.
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
        stored = _read(path)
        new = [method for method in stored.order if method not in order]
        marks |= {method: words for method, words in stored.marks.items() if method in new}
        order += new
        deciding = deciding or stored.deciding  # decided once, when the run was explained first
    return Trust(order, marks, deciding)


def _read(path: Path) -> Trust:
    """The verdicts of one explanation."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        # Older runs did not keep what decided.
        deciding = content.get("references", {}).get("deciding", [])
        return Trust(list(map(str, content["order"])), dict(content["marks"]), tuple(deciding))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise CheckpointError(
            f"{path} is damaged: it holds no verdicts on attributions."
        ) from error
