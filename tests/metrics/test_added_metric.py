"""A metric that is added to `idc.metrics.definitions` is found wherever metrics are."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

# Each place that shows metrics, and the names that it gives to one.
EXPECTED = {
    "monitor": ("val/{}", "train/{}"),
    "train": ("train/{}",),
    "val": ("val/{}",),
    "metrics": (
        *("test/{}", "test/{}_ci_low", "test/{}_ci_high"),
        *("test/{}_at_0.5", "test/{}_at_0.5_ci_low", "test/worst_patient_{}"),
    ),
    "three": ("test/{}", "test/{}_ci_low"),
    "per_patient": ("{}", "{}_at_0.5"),
    "slices": ("{}",),
    "risk_coverage": ("{}",),
    "baselines": ("{}",),
    "estimates": ("{}",),
    "tests": ("{}",),
    "leaderboard": ("leaderboard/a/{}", "leaderboard/a/{}_ci_high"),
    "pooled": ("{}",),
    "page": ("{}",),
    "card": ("{}",),
    "terminal": ("{}",),
}


@pytest.mark.slow
def test_an_added_metric_appears_everywhere() -> None:
    script = Path(__file__).with_name("added_metric.py")
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    lacking = {
        f"{place}: {name.format(metric)}"
        for metric in ("npv", "mcc", "f1")
        for place, names in EXPECTED.items()
        for name in names
        if name.format(metric) not in found[place]
        and name.format(metric).upper() not in found[place]  # a page's words
    }
    assert not lacking
