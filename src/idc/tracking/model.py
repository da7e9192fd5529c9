"""The trained model as an MLflow LoggedModel that needs none of our code to run."""

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
import yaml
from mlflow.models import Model, ModelSignature
from mlflow.types import Schema, TensorSpec
from numpy.typing import NDArray
from torch import nn

from idc.tracking.run import Run

MLMODEL = "MLmodel"
NEEDS = ("mlflow", "torch", "numpy")


def log_model(
    run: Run,
    scorer: nn.Module,
    example: NDArray[np.uint8],
    classes: int,
    metadata: Mapping[str, Any] | None = None,
) -> str | None:
    """Log a model with signature and input example.

    It is exported as a graph (``torch.export``), not pickled: loading it runs no code of ours or
    of anybody else.

    To be called inside `idc.tracking.store.the_store`.

    Args:
        run: The run; nothing happens unless it is kept in MLflow.
        scorer: uint8 (N, 3, H, W) to probabilities (N, k), on the CPU in eval mode.
        example: uint8 (n, 3, H, W), n >= 2: with one example the batch size would be fixed to 1.
        classes: k.
        metadata: What a user must know beside, such as the threshold; kept in the MLmodel file.

    Returns:
        The model's id, or None.
    """
    if run.run_id is None or run.store is None:
        return None
    with torch.no_grad():
        probabilities = scorer(torch.from_numpy(example)).numpy()
    assert probabilities.shape == (len(example), classes)
    signature = ModelSignature(
        # Unnamed: MLflow makes a dict of a named tensor, which its own PyTorch wrapper refuses.
        Schema([TensorSpec(np.dtype(np.uint8), (-1, *example.shape[1:]))]),
        Schema([TensorSpec(np.dtype(np.float32), (-1, classes))]),
    )
    # MLflow looks up its own requirements by loading the model in a new process; we know them.
    needs = [f"{name}=={version(name)}" for name in NEEDS]
    for name in ("mlflow.models.model", "mlflow.utils.environment"):
        logging.getLogger(name).setLevel(logging.ERROR)
    # Left to itself, MLflow files the model under the default experiment, in the current folder.
    client = mlflow.MlflowClient(run.store.uri)
    params = client.get_run(run.run_id).data.params
    logged = client.create_logged_model(run.store.experiment_id, "model", run.run_id, params=params)
    with _without_source_paths():
        Model.log(
            artifact_path=None,
            name="model",
            model_id=logged.model_id,
            flavor=mlflow.pytorch,
            run_id=run.run_id,
            pytorch_model=scorer,
            signature=signature,
            input_example=example,
            metadata=dict(metadata or {}),
            pip_requirements=needs,
            serialization_format="pt2",
            validate_serving_input=False,
        )
    if run.store.redactor.paths:
        _hide_place(client, str(logged.model_id))
    return str(logged.model_id)


@contextmanager
def _without_source_paths() -> Iterator[None]:
    """Save exported graphs without the stack traces, which name this machine's folders."""
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


def _hide_place(client: mlflow.MlflowClient, model_id: str) -> None:
    """Take out of the MLmodel file where on this machine the model was put."""
    with tempfile.TemporaryDirectory() as folder:
        uri = f"{client.get_logged_model(model_id).artifact_location}/{MLMODEL}"
        path = Path(mlflow.artifacts.download_artifacts(uri, dst_path=folder))
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        content["artifact_path"] = "model"
        path.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
        client.log_model_artifact(model_id, str(path))
