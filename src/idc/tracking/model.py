"""The trained model as an MLflow LoggedModel that needs none of our code to run."""

import logging
from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

import mlflow
import numpy as np
import torch
from mlflow.models import Model, ModelSignature
from mlflow.types import Schema, TensorSpec
from numpy.typing import NDArray
from torch import nn

from idc.tracking.run import Run

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
    info = Model.log(
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
    return str(info.model_id)
