"""Whether folders and the embedded store can be used, before Hydra or MLflow tries."""

import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from idc.config.build import Config

ROOT = "IDC_ROOT"
KEYS = ("paths.root", "paths.runs", "hydra.run.dir", "hydra.sweep.dir")
NOTHING_WRITTEN = frozenset(
    ["--help", "-h", "--hydra-help", "--version", "--cfg", "-c", "--info", "-i", "-sc"]
)
LEAST = 1 << 20  # bytes of a disk that is not full


def problem_with_folders(arguments: Sequence[str], environment: Mapping[str, str]) -> str | None:
    """What is wrong with a folder that Hydra is about to make or to write to, in one sentence."""
    if any(argument.split("=")[0] in NOTHING_WRITTEN for argument in arguments):
        return None
    problems = (_problem(name, folder) for name, folder in _named(arguments, environment))
    return next((problem for problem in problems if problem), None)


def _named(arguments: Sequence[str], environment: Mapping[str, str]) -> Iterator[tuple[str, Path]]:
    pairs = [argument.lstrip("+").partition("=") for argument in arguments]
    given = {key: value.strip("'\"") for key, _, value in pairs if key in KEYS}
    if "paths.root" not in given:
        yield ROOT if ROOT in environment else "this folder", Path(environment.get(ROOT) or ".")
    for key, value in given.items():
        if plain := value.partition("${")[0]:
            yield key, Path(plain)


def _problem(name: str, folder: Path) -> str | None:
    try:
        place = folder.absolute()
        while not place.exists():
            place = place.parent
        if not place.is_dir():
            return f"{name}={folder}: {place} is a file; name a folder."
        with tempfile.TemporaryFile(dir=place) as file:
            file.write(b"\0" * LEAST)
            file.flush()
            os.fsync(file.fileno())
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        return (
            f"{name}={folder}: cannot write there ({why}). Set {ROOT}, or paths.root, to a folder "
            f"that can be written and has room."
        )
    return None


def check_tracking(config: Config, start: Path) -> None:
    """Check the embedded store, if it is used; relative paths are relative to `start`.

    Raises:
        TrackingError: It cannot be used.
    """
    from idc.tracking.database import check_embedded

    if config["tracking"]["kind"] != "none" and config["tracking"]["uri"] is None:
        check_embedded(start / config["paths"]["mlruns"])
