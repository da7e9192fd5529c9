"""Logging the trained model as an MLflow LoggedModel that runs without this package."""

import logging
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import torch
from mlflow.models import Model, ModelSignature
from mlflow.types import Schema, TensorSpec
from numpy.typing import NDArray
from torch import nn

from idc.tracking.run_protocol import Run

REQUIREMENTS = ("mlflow", "torch", "numpy")


def log_model(
    run: Run,
    scorer: nn.Module,
    example: NDArray[np.uint8],
    classes: int,
    metadata: Mapping[str, Any] | None = None,
) -> None:
    """Log a model with signature and input example.

    It is exported as a graph (``torch.export``), not pickled, so that loading it executes no code.

    Args:
        run: The run; nothing happens if it is not tracked.
        scorer: uint8 (N, 3, H, W) to probabilities (N, k), on the CPU in eval mode.
        example: uint8 (n, 3, H, W), n >= 2: with one example the batch size would be fixed to 1.
        classes: k.
        metadata: Further information for users, such as the threshold, for the MLmodel file.
    """
    if run.store is None:
        return
    with torch.no_grad():
        probabilities = scorer(torch.from_numpy(example)).numpy()
    assert probabilities.shape == (len(example), classes)
    signature = ModelSignature(
        # Unnamed: MLflow makes a dict of a named tensor, which its own PyTorch wrapper refuses.
        Schema([TensorSpec(np.dtype(np.uint8), (-1, *example.shape[1:]))]),
        Schema([TensorSpec(np.dtype(np.float32), (-1, classes))]),
    )
    # Given, as MLflow would infer them by loading the model in a new process.
    requirements = [f"{name}=={version(name)}" for name in REQUIREMENTS]
    for name in ("mlflow.models.model", "mlflow.utils.environment"):
        logging.getLogger(name).setLevel(logging.ERROR)
    with tempfile.TemporaryDirectory() as place, _without_source_paths():
        folder = Path(place) / "model"
        mlflow.pytorch.save_model(
            scorer,
            str(folder),
            # Without the path on this machine, which MLflow would record.
            mlflow_model=Model(artifact_path="model", metadata=dict(metadata or {})),
            signature=signature,
            input_example=example,
            pip_requirements=requirements,
            serialization_format="pt2",
        )
        run.model(folder)


@contextmanager
def _without_source_paths() -> Iterator[None]:
    """Save exported graphs without stack traces, which contain paths of this machine."""
    save = torch.export.save

    def clean(program: Any, *args: Any, **options: Any) -> None:
        for module in program.graph_module.modules():
            for node in getattr(getattr(module, "graph", None), "nodes", ()):
                node.meta.pop("stack_trace", None)
        save(program, *args, **options)

    torch.export.save = clean  # type: ignore[assignment]
    try:
        yield
    finally:
        torch.export.save = save
