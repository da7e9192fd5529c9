"""A run that is not tracked takes everything and logs nothing."""

from pathlib import Path

import numpy as np
import torch

from idc.tracking.model import log_model
from idc.tracking.run_protocol import Run
from idc.tracking.system_metrics import system_metrics


def test_nothing_is_logged_nor_computed(tmp_path: Path) -> None:
    run = Run()
    assert run.run_id is None and run.store is None
    assert run.lightning_logger() is False
    run.metrics({"a": 1.0}, 0)
    run.artifacts(tmp_path / "absent")

    def refuse(_: torch.Tensor) -> torch.Tensor:
        raise AssertionError("a model that is not logged is not run")

    scorer = torch.nn.Module()
    scorer.forward = refuse  # type: ignore[method-assign]
    log_model(run, scorer, np.zeros((2, 3, 8, 8), np.uint8), 2)
    with system_metrics(run, 0.0):
        pass
    run.end("FINISHED")
