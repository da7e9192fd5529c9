"""Pretrained weights: torchvision's own, or a file, checked key by key."""

import re
from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path
from pickle import UnpicklingError
from typing import Any
from urllib.error import URLError

import torch
from torch import Tensor, nn

from idc.errors import CheckpointError, first_line

SHOWN = 4
GLOBAL = re.compile(r"GLOBAL ([\w.]+)")  # in PyTorch's refusal: what the pickle would have called


def safe_load(path: Path, what: str) -> Mapping[str, Any]:
    """Load a file of tensors without running code that it may hold.

    `what` is its use, for the message: ``backbone.weights``, ``resume``.

    Raises:
        CheckpointError: It is missing, is not a PyTorch file, or holds more than tensors and plain
            containers.
    """
    if not path.is_file():
        raise CheckpointError(f"{what}: there is no file {path}.")
    if path.suffix == ".safetensors":
        return _load_safetensors(path, what)
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except UnpicklingError as error:
        # Nothing more is quoted: PyTorch's own message explains how to load such a file unsafely.
        named = GLOBAL.search(str(error))
        raise CheckpointError(
            f"{what}: {path} holds pickled objects that could run code when loaded"
            f"{f' (it names {named[1]})' if named else ''}, or is damaged; it was not loaded. Save "
            f"plain tensors (a state_dict) and use that file."
        ) from None
    except Exception as error:  # bytes that are no pickle make the unpickler raise anything
        raise CheckpointError(
            f"{what}: {path} is no PyTorch file or is damaged ({first_line(error)})."
        ) from error
    if not isinstance(content, Mapping):
        raise CheckpointError(f"{what}: {path} holds a {type(content).__name__}, not a mapping.")
    return content


def _load_safetensors(path: Path, what: str) -> Mapping[str, Tensor]:
    try:
        state: Mapping[str, Tensor] = import_module("safetensors.torch").load_file(path)
    except ImportError as error:
        raise CheckpointError(
            f"{what}: reading {path} needs the package safetensors, which comes with idc[timm]."
        ) from error
    except Exception as error:  # its errors have no base of their own
        raise CheckpointError(
            f"{what}: {path} is no safetensors file or is damaged ({first_line(error)})."
        ) from error
    return state


def load_file(
    model: nn.Module,
    path: Path,
    classifier: tuple[str, ...],
    adapt: Callable[[dict[str, Any], nn.Module], dict[str, Any]] | None = None,
) -> None:
    """Load a state_dict file into a torchvision or timm model, as its library builds it.

    The classifier's weights, by the prefixes of their keys, are loaded where model and file both
    hold them in the same shape, and otherwise ignored; all others must fit, name by name and shape
    by shape.

    Args:
        model: The whole model.
        path: A state_dict, or a mapping with one under ``state_dict``; or a safetensors file.
        classifier: Prefixes of the classifier's keys.
        adapt: The library's own conversion of stored weights to this model.

    Raises:
        CheckpointError: Keys or shapes do not fit; the message names some.
    """
    content = safe_load(path, "backbone.weights")
    state = content.get("state_dict", content)
    if adapt is not None:
        try:
            state = adapt(dict(state), model)
        except (KeyError, RuntimeError, ValueError, TypeError, AttributeError) as error:
            raise CheckpointError(
                f"backbone.weights: {path} does not fit this backbone ({first_line(error)}). Use "
                f"weights of the same architecture."
            ) from error
    own = model.state_dict()
    required = {
        k for k in own if not k.startswith(classifier) and not k.endswith("num_batches_tracked")
    }
    missing = sorted(required - state.keys())
    unknown = sorted(k for k in state.keys() - own.keys() if not k.startswith(classifier))
    shapes = sorted(
        f"{k} {tuple(state[k].shape)} for {tuple(own[k].shape)}"
        for k in required & state.keys()
        if not isinstance(state[k], Tensor) or state[k].shape != own[k].shape
    )
    problems = [
        f"{name}: {', '.join(keys[:SHOWN])}{' ...' if len(keys) > SHOWN else ''}"
        for name, keys in (("missing", missing), ("unknown", unknown), ("shape", shapes))
        if keys
    ]
    if problems:
        raise CheckpointError(
            f"backbone.weights: {path} does not fit this backbone ({'; '.join(problems)}). Use "
            f"weights of the same architecture."
        )
    fitting = {k: v for k, v in state.items() if k in own and own[k].shape == v.shape}
    model.load_state_dict(fitting, strict=False)


def load_imagenet(weights: Any) -> Mapping[str, Tensor]:
    """Torchvision's ImageNet weights, a member of a ``WeightsEnum``, from its cache or its server.

    Raises:
        CheckpointError: Neither reachable; says which file to put where.
    """
    try:
        state: Mapping[str, Tensor] = weights.get_state_dict(progress=True, check_hash=True)
    except (URLError, OSError) as error:
        file = weights.url.rsplit("/", 1)[-1]
        folder = Path(torch.hub.get_dir()) / "checkpoints"
        raise CheckpointError(
            f"backbone.weights=imagenet: {file} is not on this machine and cannot be downloaded "
            f"({getattr(error, 'reason', error)}). Fetch {weights.url} where there is a network "
            f"and put it at {folder / file}, or give any file with backbone.weights=FILE."
        ) from error
    return state
