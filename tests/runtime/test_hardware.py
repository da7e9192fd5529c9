"""How many processes a training gets."""

from typing import Any

import pytest

from idc.errors import ConfigError
from idc.runtime import hardware
from idc.runtime.hardware import count_processes


def on_cpu(devices: Any) -> dict[str, Any]:
    return {"trainer": {"accelerator": "cpu", "devices": devices}}


@pytest.mark.parametrize(
    ("devices", "count"), [("auto", 1), (-1, 1), (3, 3), ("2", 2), ([0, 1], 2)]
)
def test_processes_on_a_cpu(monkeypatch: pytest.MonkeyPatch, devices: Any, count: int) -> None:
    monkeypatch.setattr(hardware, "count_cores", lambda: 4)
    assert count_processes(on_cpu(devices)) == count


@pytest.mark.parametrize(("cores", "most"), [(1, 2), (2, 2), (4, 4)])
def test_no_more_processes_than_cores(
    monkeypatch: pytest.MonkeyPatch, cores: int, most: int
) -> None:
    monkeypatch.setattr(hardware, "count_cores", lambda: cores)
    assert count_processes(on_cpu(most)) == most
    for devices in (most + 1, str(most + 1), list(range(most + 1))):
        with pytest.raises(ConfigError, match=rf"trainer\.devices=.*to {most} or less"):
            count_processes(on_cpu(devices))


@pytest.mark.parametrize(
    ("size", "sizes", "precision"),
    [(50, None, "bf16-mixed"), (32, None, "32-true"), (64, [[0, 24], [2, 64]], "32-true")],
)
def test_bf16_on_a_cpu_needs_maps_of_more_than_a_pixel(
    monkeypatch: pytest.MonkeyPatch, size: int, sizes: Any, precision: str
) -> None:
    monkeypatch.setattr(hardware.torch.cpu, "_is_avx512_bf16_supported", lambda: True)
    config = {
        "trainer": {"accelerator": "cpu", "precision": "auto"},
        "backbone": {"_target_": "idc.models.backbones.resnet"},
        "data": {"image_size": size},
        "callbacks": {"resizing": {"sizes": sizes}},
    }
    assert hardware.choose_precision(config) == precision
