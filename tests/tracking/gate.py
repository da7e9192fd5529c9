"""A tracking server that can be switched off: MLflow's clients of one address reach a database."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mlflow
from mlflow.exceptions import MlflowException

ADDRESS = "http://127.0.0.1:9"  # the discard port: nothing answers there


@dataclass
class Gate:
    """The way to the server.

    Attributes:
        database: The URI behind it.
        is_open: Whether calls get through.
        calls: How many were tried while it was closed.
        close_after: Calls that still get through before it closes by itself.
    """

    database: str
    is_open: bool = True
    calls: int = 0
    close_after: int | None = None

    def client(self, make: Callable[[str], Any]) -> Callable[..., Any]:
        """What stands for ``mlflow.MlflowClient``."""

        def connect(uri: str | None = None) -> Any:
            return Client(self, make(self.database)) if uri == ADDRESS else make(uri or "")

        return connect


class Client:
    """MLflow's client, behind the gate."""

    def __init__(self, gate: Gate, client: Any) -> None:
        self._gate = gate
        self._client = client

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._client, name)

        def call(*args: Any, **options: Any) -> Any:
            gate = self._gate
            if gate.is_open and gate.close_after is not None:
                gate.close_after -= 1
                gate.is_open = gate.close_after >= 0
            if not gate.is_open:
                gate.calls += 1
                raise MlflowException("API request failed: [Errno 111] Connection refused')")
            return method(*args, **options)

        return call


def gate_before(database: Path, monkeypatch: Any) -> Gate:
    """Put a gate between MLflow's clients of `ADDRESS` and a database."""
    gate = Gate(f"sqlite:///{database}")
    monkeypatch.setattr(mlflow, "MlflowClient", gate.client(mlflow.MlflowClient))
    return gate
