"""The stored verdicts of a run on its attribution methods."""

import json
from pathlib import Path

from idc.attribution.pipeline.step import Trust
from idc.config.build import Config
from idc.errors import CheckpointError, MissingArtifactError
from idc.tracking.entities import RunRecord
from idc.tracking.lookup import list_artifacts
from idc.tracking.mlflow_store import MlflowStore
from idc.tracking.run_files import run_file

EXPLAIN = "explain"
VERDICTS = "verdicts.json"


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
    listed = list_artifacts(store, str(record.info.run_id), EXPLAIN)
    trust = Trust()
    for place in (EXPLAIN, *(path for path, is_folder in listed if is_folder)):
        try:
            path = run_file(store, record, config, f"{place}/{VERDICTS}", folder)
        except MissingArtifactError:
            continue
        trust = trust.followed_by(read_verdicts(path))
    return trust


def read_verdicts(path: Path) -> Trust:
    """The verdicts of one explanation.

    Raises:
        CheckpointError: The file is damaged.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return Trust(
            list(map(str, content["order"])),
            dict(content["marks"]),
            # Older runs kept neither what decided nor the options.
            tuple(content.get("references", {}).get("deciding", [])),
            dict(content.get("settings", {})),
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise CheckpointError(
            f"{path} is damaged: it holds no verdicts on attributions."
        ) from error
