"""What a piece of work cost: time by the clock, energy by the machine's own counters."""

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType

import torch

log = logging.getLogger(__name__)
RAPL = Path("/sys/class/powercap")
JOULES_A_KWH = 3.6e6
NOT_MEASURED = "not measured: this machine shows no energy counter to this user"


@dataclass(frozen=True)
class Spent:
    """What a piece of work took.

    Attributes:
        seconds: By the clock.
        joules: Of the processors and GPUs whose counters could be read, whatever else ran on
            them; None where there are none.
        sources: What was counted, such as ``2 x GPU (NVML)``.
    """

    seconds: float
    joules: float | None = None
    sources: tuple[str, ...] = ()


def energy_words(joules: float | None, sources: Sequence[str]) -> str:
    """What an energy is of, in words.

    Args:
        joules: None where it was not measured.
        sources: What was counted; see `Spent`.
    """
    if joules is None:
        return NOT_MEASURED
    return (
        f"{joules / JOULES_A_KWH:.3g} kWh, measured: {' and '.join(sources)}, with all that ran on "
        f"them; memory, cooling and the rest of the machine are not counted"
    )


@dataclass
class Meter:
    """Measures what is done inside ``with``; may be entered again, and adds up.

    Attributes:
        device: Where the work is done; the energy of all GPUs is counted if it is one.
    """

    device: torch.device = field(default_factory=lambda: torch.device("cpu"))
    _seconds: float = 0.0
    _joules: float = 0.0
    _known: bool = True
    _sources: tuple[str, ...] = ()
    _start: float = 0.0
    _before: dict[str, tuple[float, float]] = field(default_factory=dict)

    def __enter__(self) -> "Meter":
        self._before = _counters(self.device)
        self._start = time.perf_counter()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._seconds += time.perf_counter() - self._start
        after = _counters(self.device)
        if not self._before or self._before.keys() != after.keys():
            self._known = False
            return
        for name, (value, span) in after.items():
            step = value - self._before[name][0]
            # Counters of processors start anew when they are full.
            self._joules += step if step >= 0 else step + span
        kinds = sorted({name.split(":")[0] for name in after})
        self._sources = tuple(
            f"{sum(name.startswith(kind) for name in after)} x {kind}" for kind in kinds
        )

    @property
    def spent(self) -> Spent:
        """What was measured until now."""
        return Spent(self._seconds, self._joules if self._known else None, self._sources)


def _counters(device: torch.device) -> dict[str, tuple[float, float]]:
    """Name to joules until now, and to the joules at which the counter starts anew."""
    found = {}
    for folder in sorted(RAPL.glob("intel-rapl:[0-9]*")):
        if folder.name.count(":") > 1:  # a part of a processor that is counted already
            continue
        try:
            value = int((folder / "energy_uj").read_text(encoding="utf-8"))
            span = int((folder / "max_energy_range_uj").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue
        found[f"processor (RAPL):{folder.name}"] = (value / 1e6, span / 1e6)
    if device.type == "cuda":
        found |= _gpus()
    return found


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
