"""A run's folder: named by its tag, and its own as long as no later run has taken it."""

from pathlib import Path

from idc.runtime.outcome import Outcome
from idc.tracking.local_paths import folder_tag, run_folder


def test_the_folder_that_a_tag_names_must_be_the_runs_own(tmp_path: Path) -> None:
    paths = {"root": str(tmp_path), "runs": str(tmp_path / "runs"), "mlruns": str(tmp_path / "m")}
    folder = tmp_path / "runs" / "day" / "one"
    folder.mkdir(parents=True)
    Outcome("run", run_id="a").save(folder)
    tags = folder_tag(folder, {"paths": paths})
    assert run_folder("a", tags, {"paths": paths}) == folder
    assert run_folder("a", {}, {"paths": paths}) is None
    assert folder_tag(tmp_path.parent, {"paths": paths}) == {}
    assert run_folder("b", tags, {"paths": paths}) is None  # a later run has taken the folder
