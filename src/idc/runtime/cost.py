"""Cost of a computation: wall-clock time, and energy by the machine's own counters."""

import logging
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import torch

log = logging.getLogger(__name__)
RAPL = Path("/sys/class/powercap")
JOULES_PER_KWH = 3.6e6
NOT_MEASURED = "not measured: this user can read no energy counter on this machine"


@dataclass(frozen=True)
class Cost:
    """Time and energy of a computation.

    Attributes:
        seconds: Wall-clock time.
        joules: Energy of the processors and GPUs whose counters are readable, including anything
            else that ran on them; None if none is readable.
        sources: The devices measured, such as ``2 x GPU (NVML)``.
    """

    seconds: float
    joules: float | None = None
    sources: tuple[str, ...] = ()


def energy_words(joules: float | None, sources: Sequence[str]) -> str:
    """Describe an energy and how it was measured.

    Args:
        joules: None if it was not measured.
        sources: The devices measured; see `Cost`.
    """
    if joules is None:
        return NOT_MEASURED
    return (
        f"{joules / JOULES_PER_KWH:.3g} kWh, measured: {' and '.join(sources)}, including anything "
        f"else that ran on them; memory, cooling and the rest of the machine are not counted"
    )


@dataclass
class Meter:
    """Context manager that measures time and energy; entering it again adds to the total.

    Attributes:
        device: The device used; if it is a GPU, the energy of all GPUs is counted.
        cost: The total measured so far.
    """

    device: torch.device = field(default_factory=lambda: torch.device("cpu"))
    cost: Cost = field(default_factory=lambda: Cost(0.0, 0.0))
    _start: float = 0.0
    _before: dict[str, tuple[float, float]] = field(default_factory=dict)

    def __enter__(self) -> "Meter":
        self._before = _counters(self.device)
        self._start = time.perf_counter()
        return self

    def __exit__(self, *error: object) -> None:
        seconds = self.cost.seconds + time.perf_counter() - self._start
        after, joules = _counters(self.device), self.cost.joules
        if joules is None or not after or self._before.keys() != after.keys():
            self.cost = Cost(seconds)
            return
        for name, (value, span) in after.items():
            step = value - self._before[name][0]
            joules += step if step >= 0 else step + span  # processor counters wrap around
        kinds = Counter(name.split(":")[0] for name in sorted(after))
        sources = tuple(f"{count} x {kind}" for kind, count in kinds.items())
        self.cost = Cost(seconds, joules, sources)


def _counters(device: torch.device) -> dict[str, tuple[float, float]]:
    """Name of each counter to its value and the value at which it wraps around, in joules."""
    counters = {}
    for folder in sorted(RAPL.glob("intel-rapl:[0-9]*")):
        if folder.name.count(":") > 1:  # part of a processor that is counted already
            continue
        try:
            value = int((folder / "energy_uj").read_text(encoding="utf-8"))
            span = int((folder / "max_energy_range_uj").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue
        counters[f"processor (RAPL):{folder.name}"] = (value / 1e6, span / 1e6)
    if device.type == "cuda":
        counters |= _gpus()
    return counters


def _gpus() -> dict[str, tuple[float, float]]:
    try:
        import pynvml

        pynvml.nvmlInit()
        handles = [pynvml.nvmlDeviceGetHandleByIndex(i) for i in range(pynvml.nvmlDeviceGetCount())]
        return {
            f"GPU (NVML):{i}": (pynvml.nvmlDeviceGetTotalEnergyConsumption(handle) / 1e3, 0.0)
            for i, handle in enumerate(handles)
        }
    except Exception as error:  # without the extra, and on GPUs before Volta
        log.info("energy of the GPUs is not measured: %s", error)
        return {}
