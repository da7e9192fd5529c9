"""What answers before anything heavy is loaded."""

import subprocess
import sys

import pytest

from conftest import Cli

HEAVY = ("torch", "mlflow", "pytorch_lightning", "pandas", "matplotlib", "cv2")


def test_nothing_heavy_is_imported_before_the_configuration_is_composed() -> None:
    """Speed itself is measured in benchmarks; this is its cause."""
    code = (
        "import sys, idc.train, idc.launch.sweep\n"
        "sys.argv = ['idc.train', '--help']\n"
        "try: idc.train.main()\n"
        "except SystemExit: pass\n"
        f"print('LOADED', [m for m in {HEAVY!r} if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "LOADED []" in done.stdout, done.stdout + done.stderr
    assert "backbone" in done.stdout


@pytest.mark.slow
def test_help_lists_groups_and_choices(shell: Cli) -> None:
    result = shell("--help")
    assert result.code == 0
    for word in ("backbone: ", "resnet50", "vgg16", "augment: gpu, light, none, strong"):
        assert word in result.out
    assert "Traceback" not in result.err
