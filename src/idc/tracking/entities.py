"""MLflow's own types, by the names that other rooms use: only this room imports mlflow."""

from mlflow.entities import Run as RunRecord
from mlflow.exceptions import MlflowException as StoreException

__all__ = ["RunRecord", "StoreException"]
