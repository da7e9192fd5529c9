"""What answers before anything heavy is loaded."""

import subprocess
import sys

import pytest

from idc.config.schema.apps import APPS
from idc.launch.help import EXAMPLES, help_text

HEAVY = ("torch", "mlflow", "pytorch_lightning", "pandas", "matplotlib", "cv2")


def test_nothing_heavy_is_imported_before_the_configuration_is_composed() -> None:
    """Speed itself is measured in benchmarks; this is its cause."""
    code = (
        "import sys, idc.train, idc.launch.sweep\n"
        "sys.argv = ['idc.train', '--help']\n"
        "idc.train.main()\n"
        f"print('LOADED', [m for m in {HEAVY!r} if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "LOADED []" in done.stdout, done.stdout + done.stderr
    assert "backbone" in done.stdout
    assert not done.stderr


@pytest.mark.parametrize("app", APPS)
def test_usage_and_six_examples_come_first(app: str) -> None:
    lines = help_text(app, ["--help"]).splitlines()
    assert lines[2].startswith(f"usage: idc {app}")
    assert all(line.startswith(f"  idc {app}") for line in lines[5:11])
    assert len(EXAMPLES[app]) == 6
    assert len(lines) < 220


def test_groups_choices_and_options_are_explained() -> None:
    text = help_text("train", ["--help"])
    for word in ("augment: gpu, light*, none, strong", "resnet50", "trainer.max_epochs=8"):
        assert word in text
    (line,) = [line for line in text.splitlines() if "loader.batch_size=64" in line]
    assert "patches per training batch" in line


def test_values_are_those_of_the_choices_on_the_command_line() -> None:
    text = help_text("train", ["--help", "backbone=resnet18", "optimizer=sgd"])
    for word in ("resnet18*", "backbone.stem=standard", "optimizer.lr=0.02", "optimizer.momentum"):
        assert word in text
    assert "optimizer.momentum" not in help_text("train", ["--help"])


def test_parts_that_are_named_are_listed_alone() -> None:
    lines = help_text("explain", ["--help", "explain.slides", "audit"]).splitlines()
    names = [line.split("=")[0].strip() for line in lines if line.startswith("  ")]
    assert {name.rpartition(".")[0] for name in names} == {
        "audit",
        "audit.limits",
        "explain.slides",
    }
    assert len(names) > 30
