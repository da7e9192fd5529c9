"""Time and energy add up; a counter that wraps around, or is missing, makes no false number."""

import pytest

from idc.runtime import cost
from idc.runtime.cost import NOT_MEASURED, Cost, Meter, energy_words

Counters = dict[str, tuple[float, float]]


@pytest.fixture
def readings(monkeypatch: pytest.MonkeyPatch) -> list[Counters]:
    """What the counters say, one reading after the other."""
    left: list[Counters] = []
    monkeypatch.setattr(cost, "_counters", lambda device: left.pop(0))
    return left


def test_energy_of_all_counters_is_summed_over_stages(readings: list[Counters]) -> None:
    cpu, gpu = "processor (RAPL):0", "GPU (NVML):0"
    readings += [
        {cpu: (10.0, 100.0), gpu: (5.0, 0.0)},
        {cpu: (30.0, 100.0), gpu: (6.0, 0.0)},
        {cpu: (90.0, 100.0), gpu: (6.0, 0.0)},
        {cpu: (5.0, 100.0), gpu: (8.0, 0.0)},  # the processor's wraps around at 100
    ]
    meter = Meter()
    for _ in range(2):
        with meter:
            pass
    assert meter.cost.joules == pytest.approx(20 + 1 + 15 + 2)
    assert meter.cost.sources == ("1 x GPU (NVML)", "1 x processor (RAPL)")
    assert meter.cost.seconds >= 0


def test_without_a_counter_there_is_no_energy(readings: list[Counters]) -> None:
    readings += [{}, {}]
    with (meter := Meter()):
        pass
    assert meter.cost.joules is None
    assert energy_words(meter.cost.joules, meter.cost.sources) == NOT_MEASURED


def test_a_counter_that_appears_on_the_way_is_not_counted(readings: list[Counters]) -> None:
    readings += [{"a:0": (1.0, 0.0)}, {"a:0": (2.0, 0.0), "b:0": (1.0, 0.0)}]
    with (meter := Meter()):
        pass
    assert meter.cost.joules is None


def test_a_failure_is_measured_and_passed_on(readings: list[Counters]) -> None:
    readings += [{"a:0": (1.0, 0.0)}, {"a:0": (3.0, 0.0)}]
    meter = Meter()
    with pytest.raises(ValueError, match="broken"), meter:
        raise ValueError("broken")
    assert meter.cost == Cost(meter.cost.seconds, 2.0, ("1 x a",))


def test_a_kilowatt_hour_is_one() -> None:
    assert energy_words(3.6e6, ["2 x GPU (NVML)"]).startswith("1 kWh, measured: 2 x GPU (NVML)")
