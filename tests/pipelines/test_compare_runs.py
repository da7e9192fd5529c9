"""The page of a comparison, for each kind of interval."""

from pathlib import Path

import pytest
from finished_runs import finished_run

from idc.comparison import pooling
from idc.pipelines import compare as comparing
from idc.pipelines.compare import compare_runs
from idc.pipelines.run_context import RunContext
from idc.runtime.outcome import Outcome
from idc.tracking.privacy import Redactor


@pytest.mark.parametrize("intervals", [{"draws": 0}, {"level": 0.999}])
def test_every_documented_interval_gives_a_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, intervals: dict[str, float]
) -> None:
    for module in (comparing, pooling):  # figures are looked at elsewhere
        monkeypatch.setattr(module, "save_figures", lambda figures, folder: None)
    runs = [
        finished_run(tmp_path, head=head, split_fold=str(fold))
        for head in ("linear", "mlp")
        for fold in (0, 1)
    ]
    config = {"intervals": {"draws": 400, "level": 0.95, **intervals}, "seed": 0, "report": True}
    folder = tmp_path / "out"
    context = RunContext(Outcome("sweep"), config, folder, Redactor(True, None, tmp_path))
    outcomes = [run.outcome for run in runs]
    result = compare_runs(context, runs, outcomes, "command", strict=False)
    assert result.comparison is not None
    assert len(result.comparison.differences)
    assert result.pooled["low"].isna().all() == (intervals.get("draws") == 0)
    assert (folder / "evaluation" / "report.html").is_file()
