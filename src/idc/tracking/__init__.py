"""The only room that talks to MLflow."""

import os

# MLflow sends usage data home unless told not to; a user who wants that can set it to false.
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
