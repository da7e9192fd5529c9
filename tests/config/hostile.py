"""Configurations that would run somebody else's code if a checkpoint's were built as it stands.

Each does one harmless thing when it is built: it makes a file, the canary. Who attacks writes a
digest that fits, so that planting seals the checkpoint anew.
"""

import base64
import functools
import pickle
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from idc.runtime.digests import seal

Node = dict[str, Any]


@dataclass(frozen=True)
class Trap:
    """Where a hostile object leaves its mark, and the files that it brings along.

    Attributes:
        folder: Holds ``payload.pkl``, ``payload.py``, ``payload.npy`` and ``hubconf.py``.
    """

    folder: Path

    @property
    def canary(self) -> Path:
        """The file that is made by whatever is executed."""
        return self.folder / "executed"


class _Payload:
    def __init__(self, canary: Path) -> None:
        self.canary = canary

    def __reduce__(self) -> tuple[Any, ...]:
        return (open, (str(self.canary), "w"))


def set_trap(folder: Path) -> Trap:
    """Write the files that hostile configurations load or run."""
    import numpy as np

    folder.mkdir(parents=True, exist_ok=True)
    trap = Trap(folder)
    code = f"open({str(trap.canary)!r}, 'w').close()\n"
    (folder / "payload.py").write_text(code)
    (folder / "hubconf.py").write_text(f"{code}def model():\n    pass\n")
    (folder / "payload.pkl").write_bytes(_pickled(trap))
    np.save(folder / "payload.npy", np.array([_Payload(trap.canary)], dtype=object))
    return trap


def _pickled(trap: Trap) -> bytes:
    return pickle.dumps(_Payload(trap.canary), protocol=2)


def _torch_load(trap: Trap) -> Node:
    text = base64.b64encode(_pickled(trap)).decode()
    decoded = {"_target_": "idc.reader_study.pictures.base64.b64decode", "s": text}
    file = {"_target_": "idc.reader_study.pictures.io.BytesIO", "initial_bytes": decoded}
    return {"_target_": "idc.models.weights.torch.load", "f": file, "weights_only": False}


def _opens(trap: Trap, target: str = "builtins.open") -> Node:
    return {"_target_": target, "file": str(trap.canary), "mode": "w"}


def _file(trap: Trap, name: str) -> str:
    return str(trap.folder / name)


def _code(trap: Trap) -> str:
    return (trap.folder / "payload.py").read_text().strip()


def _chain(trap: Trap) -> Node:
    opening = {"_target_": "hydra.utils.get_method", "path": "builtins.open"}
    partial = {"_target_": "functools.partial", "_args_": [opening, str(trap.canary), "w"]}
    return {"_target_": "operator.call", "_args_": [partial]}


def _touch(trap: Trap) -> Node:
    path = {"_target_": "idc.tracking.local_paths.Path", "_args_": [str(trap.canary)]}
    return {"_target_": "idc.tracking.local_paths.Path.touch", "_args_": [path]}


@dataclass(frozen=True)
class Hostile:
    """A hostile configuration.

    Attributes:
        name: What it is called in tests.
        place: Where in a training's configuration it stands: dotted, with list positions.
        node: The trap to what stands there.
        fires: Whether this version of Hydra would execute it; it knows some of them.
    """

    name: str
    place: str
    node: Callable[[Trap], Any]
    fires: bool = True


def _call(target: str, *args: Any, **kwargs: Any) -> Node:
    return {"_target_": target, **({"_args_": list(args)} if args else {}), **kwargs}


HOSTILE = (
    Hostile("torch.load through our modules", "backbone.channels", _torch_load),
    Hostile("open", "backbone.channels", _opens),
    Hostile("open in place of a backbone", "backbone", _opens),
    Hostile("open in place of the data", "data.source", _opens),
    Hostile("open in place of an optimizer", "optimizer", _opens),
    Hostile("open in place of a split", "split", _opens),
    Hostile("open in place of a threshold", "threshold", _opens),
    Hostile("open among the transforms", "augment.transforms[0]", _opens),
    Hostile("open among the methods", "explain.methods", lambda t: {"evil": _opens(t)}),
    Hostile("open in the callbacks", "callbacks.early_stopping.patience", _opens),
    Hostile("open as a plugin", "trainer.plugins", lambda t: [_opens(t)]),
    Hostile("open under an unknown key", "extra", lambda t: {"deep": [[{"er": _opens(t)}]]}),
    Hostile(
        "open within a transform that is ours",
        "augment.transforms[0]",
        lambda t: _call("albumentations.OneOf", transforms=[_opens(t)]),
    ),
    Hostile(
        "open in positional arguments",
        "head",
        lambda t: _call("idc.models.heads.linear", _opens(t)),
    ),
    Hostile(
        "open through a library's module",
        "loss.label_smoothing",
        lambda t: _opens(t, "torch.optim.os.fdopen.__globals__.io.open"),
        fires=False,
    ),
    Hostile("io.open", "scheduler", lambda t: _opens(t, "idc.reader_study.pictures.io.open")),
    Hostile(
        "os.system",
        "backbone.channels",
        lambda t: _call("os.system", command=f"touch '{t.canary}'"),
        fires=False,
    ),
    Hostile(
        "subprocess",
        "backbone.channels",
        lambda t: _call("idc.tracking.provenance.subprocess.run", ["touch", str(t.canary)]),
        fires=False,
    ),
    Hostile("eval", "backbone.channels", lambda t: _call("builtins.eval", _code(t)), fires=False),
    Hostile("exec", "backbone.channels", lambda t: _call("builtins.exec", _code(t)), fires=False),
    Hostile("a chain of partials", "backbone.channels", _chain, fires=False),
    Hostile(
        "a partial that something calls later",
        "optimizer",
        lambda t: {**_opens(t), "_partial_": True},
        fires=False,
    ),
    Hostile(
        "Hydra in Hydra",
        "inference",
        lambda t: _call("hydra.utils.instantiate", config=_opens(t), _recursive_=False),
    ),
    Hostile(
        "pandas.read_pickle",
        "backbone.channels",
        lambda t: _call("idc.pipelines.scoring.pd.read_pickle", _file(t, "payload.pkl")),
    ),
    Hostile(
        "numpy.load",
        "backbone.channels",
        lambda t: _call(
            "idc.pipelines.scoring.np.load", _file(t, "payload.npy"), allow_pickle=True
        ),
    ),
    Hostile(
        "joblib.load",
        "backbone.channels",
        lambda t: _call("joblib.load", filename=_file(t, "payload.pkl")),
    ),
    Hostile(
        "torch.hub.load",
        "backbone",
        lambda t: _call("torch.hub.load", str(t.folder), model="model", source="local"),
    ),
    Hostile(
        "runpy",
        "leaks",
        lambda t: _call("runpy.run_path", path_name=_file(t, "payload.py")),
        fires=False,
    ),
    Hostile("pathlib", "calibration", _touch),
    Hostile(
        "shutil.copyfile",
        "backbone.channels",
        lambda t: _call(
            "idc.tracking.journal.shutil.copyfile", src=_file(t, "payload.py"), dst=str(t.canary)
        ),
    ),
    Hostile(
        "logging",
        "explain.faithfulness",
        lambda t: _call("logging.FileHandler", filename=str(t.canary)),
    ),
    Hostile(
        "a target that is built itself",
        "backbone",
        lambda t: {"_target_": _opens(t)},
        fires=False,
    ),
)


def content_of(config: dict[str, Any]) -> dict[str, Any]:
    """What a checkpoint of this configuration says of its run."""
    return {
        "idc": {
            "config": config,
            "mirrors": {},
            "run_id": None,
            "splits": {"1": "train", "2": "val", "3": "test"},
            "split": "0" * 16,
            "fingerprint": "0" * 16,
            "history": [],
        }
    }


def plant(config: dict[str, Any], hostile: Hostile, trap: Trap) -> None:
    """Put a hostile node in its place of a training's configuration."""
    *above, last = hostile.place.replace("[", ".").removesuffix("]").split(".")
    node: Any = functools.reduce(lambda n, key: n[key], above, config)
    value = hostile.node(trap)
    if not last.isdigit():
        node[last] = value
    else:
        node[int(last) : int(last) + 1] = [value]


def plant_in_checkpoint(path: Path, hostile: Hostile, trap: Trap) -> None:
    """Change a checkpoint of `idc.train` in place, with a digest that fits."""
    content = torch.load(path, map_location="cpu", weights_only=True)
    plant(content["idc"]["config"], hostile, trap)
    seal(content)
    torch.save(content, path)
