"""Absolute paths of this machine: kept in the run's own folder, not logged with the run."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from idc.config.build import Config
from idc.config.stored import Origin
from idc.config.values import following, named_too
from idc.errors import CheckpointError, ConfigError, first_line
from idc.runtime.atomic import write_text
from idc.runtime.outcome import load_outcome
from idc.tracking.journal import FOLDER as JOURNALS
from idc.tracking.journal import RunIds
from idc.tracking.privacy import HIDDEN, hidden_values

FOLDER_TAG = "idc.folder"
FILE = "local.json"
START = "start.json"  # needed to start the run again
# Paths that are not needed once there is a checkpoint.
NOT_NEEDED = ("backbone.weights", "tracking.uri", "resume")


def folder_tag(folder: Path, config: Config) -> dict[str, str]:
    """The tag with a run's folder relative to ``paths.root``; none if it is elsewhere."""
    root, whole = Path(config["paths"]["root"]).resolve(), folder.resolve()
    return {FOLDER_TAG: whole.relative_to(root).as_posix()} if whole.is_relative_to(root) else {}


def run_folder(run_id: str, tags: Mapping[str, str], config: Config) -> Path | None:
    """The folder named by a run's tag, if it is on this machine and still belongs to the run.

    Args:
        run_id: The run's id.
        tags: The run's tags.
        config: The current configuration, with ``paths.root``.
    """
    if FOLDER_TAG not in tags:
        return None
    folder = Path(config["paths"]["root"]) / tags[FOLDER_TAG]
    outcome = load_outcome(folder)
    own = outcome.run_id if outcome is not None else None
    ids = RunIds(Path(config["paths"]["mlruns"]) / JOURNALS)
    # A later run may have used the same folder.
    return folder if own is not None and run_id in (own, ids.resolve(own)) else None


def save_hidden_paths(config: Config, folder: Path) -> None:
    """Save the absolute paths of a configuration to the run's own folder."""
    paths = hidden_values({k: v for k, v in config.items() if k not in ("paths", "tracking")})
    write_text(folder / FILE, json.dumps(paths, indent=2) + "\n")


def _load_hidden(path: Path) -> dict[str, str]:
    if not path.is_file():
        return {}
    try:
        paths = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise CheckpointError(
            f"{path}: the paths that were not logged cannot be read ({first_line(error)}). Remove "
            f"the file and give the paths again, as data.root=PATH."
        ) from error
    if not isinstance(paths, dict):
        raise CheckpointError(f"{path} is not a mapping of names to paths. Remove the file.")
    for name, value in paths.items():
        if not isinstance(value, str) or "${" in value:
            raise CheckpointError(f"{path}: {name} is not a path ({value!r:.80}). Remove the file.")
    return paths


def restore_hidden_paths(
    origin: Origin,
    folder: Path,
    given: Iterable[str],
    what: str,
    more: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Restore the paths of a logged configuration that were not logged.

    Args:
        origin: The run's origin, from its checkpoint.
        folder: The run's folder, which may have a file with the paths.
        given: Names of the paths given on the command line.
        what: Prefix of the error message, such as ``run=ID``.
        more: Dotted names to paths that replace the logged ones.

    Raises:
        ConfigError: A path is neither stored here nor given.
        CheckpointError: The file with the paths is damaged.
    """
    stored = _load_hidden(folder / FILE)
    replacements = {**following(more or {}, origin.mirrors), **(more or {})}
    overridden = named_too(list(given), origin.mirrors)

    def fill(node: Any, place: str) -> Any:
        if isinstance(node, Mapping):
            return {k: fill(v, f"{place}.{k}" if place else str(k)) for k, v in node.items()}
        if place in replacements:
            return replacements[place]
        if not isinstance(node, str) or not node.startswith(HIDDEN):
            return node
        if place in stored:
            return stored[place]
        if place in NOT_NEEDED:
            return None
        if place in overridden:
            return node
        raise ConfigError(
            f"{what}: {place} was an absolute path ({node.removeprefix(HIDDEN + '/')}), which "
            f"is not logged, and the run's folder is not on this machine. Give {place}=PATH."
        )

    return {str(k): fill(v, str(k)) for k, v in origin.config.items()}
