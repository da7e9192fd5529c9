"""Learning-rate schedules, each a function of the same shape, ready for Lightning."""

import math
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR, LinearLR, OneCycleLR, ReduceLROnPlateau, StepLR


@dataclass(frozen=True)
class Horizon:
    """Length of the training and the monitored metric.

    Attributes:
        steps: Optimizer steps in the whole training.
        monitor: The monitored metric.
        mode: Whether more (``max``) or less (``min``) of it is better.
    """

    steps: int
    monitor: str
    mode: Literal["max", "min"]


class Schedule(Protocol):
    """Function that makes Lightning's description of a scheduler."""

    def __call__(self, optimizer: Optimizer, horizon: Horizon) -> dict[str, Any]:
        """The value of ``lr_scheduler`` in what ``configure_optimizers`` returns."""
        ...


def cosine(
    optimizer: Optimizer, horizon: Horizon, warmup: float = 0.05, final: float = 0.01
) -> dict[str, Any]:
    """Linear warm-up, then half a cosine (Loshchilov & Hutter 2017), step by step.

    `warmup` is a share of the steps, in [0, 1); `final` the last rate as a share of the first.
    """
    ramp = round(warmup * horizon.steps)
    down = max(1, horizon.steps - ramp)

    def share(step: int) -> float:
        if step < ramp:
            return 0.01 + 0.99 * step / ramp
        progress = min(1.0, (step - ramp) / down)
        return final + (1 - final) * 0.5 * (1 + math.cos(math.pi * progress))

    # One function of the step, not a chain of schedulers: a run that is resumed with more
    # epochs then finds the schedule's new length without a state that does not fit it.
    return {"scheduler": LambdaLR(optimizer, share), "interval": "step"}


def one_cycle(
    optimizer: Optimizer, horizon: Horizon, warmup: float = 0.3, div_factor: float = 25.0
) -> dict[str, Any]:
    """One cycle up and down (Smith & Topin 2018) with the optimizer's rates as the peaks."""
    peaks = [group["lr"] for group in optimizer.param_groups]
    cycled = bool({"momentum", "betas"} & set(optimizer.defaults))  # Adadelta has no momentum
    shape: dict[str, Any] = {
        "pct_start": warmup,
        "div_factor": div_factor,
        "cycle_momentum": cycled,
    }
    scheduler = OneCycleLR(optimizer, peaks, max(2, horizon.steps), **shape)
    return {"scheduler": scheduler, "interval": "step"}


def step(
    optimizer: Optimizer, horizon: Horizon, every: int = 10, factor: float = 0.1
) -> dict[str, Any]:
    """Multiply the rate by `factor` every `every` epochs."""
    return {"scheduler": StepLR(optimizer, every, factor), "interval": "epoch"}


def plateau(
    optimizer: Optimizer, horizon: Horizon, patience: int = 3, factor: float = 0.3
) -> dict[str, Any]:
    """Multiply the rate by `factor` when the monitor has not improved for `patience` epochs."""
    scheduler = ReduceLROnPlateau(optimizer, horizon.mode, factor=factor, patience=patience)
    return {"scheduler": scheduler, "interval": "epoch", "monitor": horizon.monitor}


def constant(optimizer: Optimizer, horizon: Horizon) -> dict[str, Any]:
    """The same rate throughout."""
    return {"scheduler": LinearLR(optimizer, 1.0, 1.0, 1), "interval": "epoch"}
