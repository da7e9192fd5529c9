"""Provenance of a run: code, libraries, machine and command."""

import contextlib
import getpass
import platform
import shlex
import subprocess
import sys
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import torch

import idc
from idc.tracking.privacy import Pseudonyms, redact_override

LIBRARIES = (
    "albumentations",
    "captum",
    "hydra-core",
    "mlflow",
    "numpy",
    "pytorch-lightning",
    "timm",
    "torch",
    "torchmetrics",
    "torchvision",
)


def origin_tags(app: str = "idc.train", pseudonyms: Pseudonyms | None = None) -> dict[str, str]:
    """Tags for git commit, library versions, kind of host and command line.

    Args:
        app: The module that was run.
        pseudonyms: Replace patient IDs on the command line; None to keep these.
    """
    arguments = [redact_override(argument, pseudonyms) for argument in sys.argv[1:]]
    tags = {
        "mlflow.source.name": f"python -m {app}",
        "mlflow.source.type": "LOCAL",
        "idc.version": idc.__version__,
        "idc.command": shlex.join([Path(sys.argv[0]).name, *arguments]),
        "host.kind": host_kind(),
        "host.python": platform.python_version(),
    }
    tags |= {f"version.{library}": number for library, number in library_versions().items()}
    with contextlib.suppress(KeyError, OSError):  # a container's user may have no name
        tags["mlflow.user"] = getpass.getuser()
    return tags | git_tags(Path(__file__).parent)


def library_versions() -> dict[str, str]:
    """Version of each of `LIBRARIES` that is installed."""
    versions = {}
    for library in LIBRARIES:
        with contextlib.suppress(PackageNotFoundError):
            versions[library] = version(library)
    return versions


def host_kind() -> str:
    """Description of the machine: system, architecture, threads and GPUs, without its name."""
    gpus = [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
    gpu = f", {len(gpus)} x {gpus[0]}" if gpus else ", no GPU"
    return f"{platform.system()} {platform.machine()}, {torch.get_num_threads()} threads{gpu}"


def git_tags(folder: Path) -> dict[str, str]:
    """Git commit of the code and whether it has changes; empty for an installed package."""

    def git(*arguments: str) -> str:
        return subprocess.run(
            ["git", "-C", str(folder), *arguments],
            capture_output=True,
            text=True,
            check=True,
            timeout=10,
        ).stdout.strip()

    try:
        git("ls-files", "--error-unmatch", __file__)  # fails in a repository around a venv
        commit = git("rev-parse", "HEAD")
        dirty = bool(git("status", "--porcelain", "--untracked-files=no"))
    except (OSError, subprocess.SubprocessError):
        return {}
    return {"mlflow.source.git.commit": commit, "git.dirty": str(dirty).lower()}


def flatten(config: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Flatten nested mappings to dotted names; lists stay as they are."""
    flat: dict[str, Any] = {}
    for key, value in config.items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping) and value:
            flat |= flatten(value, f"{name}.")
        else:
            flat[name] = value
    return flat
