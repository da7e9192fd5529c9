"""MLflow's own types for the other packages: only this one imports mlflow."""

from mlflow.entities import Run as RunRecord
from mlflow.exceptions import MlflowException as StoreException

__all__ = ["RunRecord", "StoreException"]
