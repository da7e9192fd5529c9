"""Where things lie on this machine: kept in a run's own folder, not logged with the run."""

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
START = "start.json"  # what a run needs to start anew
# Paths that the checkpoint makes superfluous.
NOT_NEEDED = ("backbone.weights", "tracking.uri", "resume")


def relative_folder(folder: Path, config: Config) -> str | None:
    """A run's folder as seen from ``paths.root``; None if it lies elsewhere."""
    root = Path(config["paths"]["root"]).resolve()
    whole = folder.resolve()
    return whole.relative_to(root).as_posix() if whole.is_relative_to(root) else None


def run_folder(run_id: str, tags: Mapping[str, str], config: Config) -> Path | None:
    """The folder that a run's tag names, if it is on this machine and still the run's own.

    Args:
        run_id: The run's id.
        tags: The run's tags.
        config: The configuration of now, with ``paths.root``.
    """
    if FOLDER_TAG not in tags:
        return None
    folder = Path(config["paths"]["root"]) / tags[FOLDER_TAG]
    # A later run may have been sent to the same folder.
    outcome = load_outcome(folder)
    if outcome is None or outcome.run_id is None:
        return None
    ids = RunIds(Path(config["paths"]["mlruns"]) / JOURNALS)
    return folder if run_id in (outcome.run_id, ids.resolve(outcome.run_id)) else None


def save_hidden(config: Config, folder: Path) -> None:
    """Keep the absolute paths of a configuration where only this machine sees them."""
    known = hidden_values({k: v for k, v in config.items() if k not in ("paths", "tracking")})
    write_text(folder / FILE, json.dumps(known, indent=2) + "\n")


def _load_hidden(path: Path) -> dict[str, str]:
    if not path.is_file():
        return {}
    try:
        known = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise CheckpointError(
            f"{path}: the paths that were not logged cannot be read ({first_line(error)}). Remove "
            f"the file and give the paths anew, as data.root=PATH."
        ) from error
    if not isinstance(known, dict):
        raise CheckpointError(f"{path}: this is no mapping of names to paths. Remove the file.")
    for name, value in known.items():
        if not isinstance(value, str) or "${" in value:
            raise CheckpointError(f"{path}: {name} is no path ({value!r:.80}). Remove the file.")
    return known


def bring_hidden(
    origin: Origin,
    folder: Path,
    given: Iterable[str],
    what: str,
    more: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """A logged configuration with the paths that were not logged.

    Args:
        origin: What the run's checkpoint says of it.
        folder: The run's folder, which may hold them.
        given: Names that the command line gives anew.
        what: Who asks, for the message.
        more: Paths that are taken in place of what was logged, by name.

    Raises:
        ConfigError: A path is not known here.
        CheckpointError: The file with the paths is damaged.
    """
    known = _load_hidden(folder / FILE)
    better = {**following(more or {}, origin.mirrors), **(more or {})}
    named = named_too(list(given), origin.mirrors)

    def fill(node: Any, place: str) -> Any:
        if isinstance(node, Mapping):
            return {k: fill(v, f"{place}.{k}" if place else str(k)) for k, v in node.items()}
        if place in better:
            return better[place]
        if not isinstance(node, str) or not node.startswith(HIDDEN):
            return node
        if place in known:
            return known[place]
        if place in NOT_NEEDED:
            return None
        if place in named:
            return node
        raise ConfigError(
            f"{what}: {place} was an absolute path ({node.removeprefix(HIDDEN + '/')}), which "
            f"is not logged, and the run's folder is not on this machine. Give {place}=PATH."
        )

    return {str(k): fill(v, str(k)) for k, v in origin.config.items()}
