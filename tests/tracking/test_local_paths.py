"""A run's folder: found by its tag, or, of a run killed before it had one, by its outcome."""

from pathlib import Path

from idc.runtime.outcome import Outcome
from idc.tracking.local_paths import FOLDER_TAG, run_folder


def test_a_run_without_a_tag_is_found_by_its_outcome(tmp_path: Path) -> None:
    paths = {"root": str(tmp_path), "runs": str(tmp_path / "runs"), "mlruns": str(tmp_path / "m")}
    for name, run_id in (("day/one", "a"), ("day/two", "b")):
        folder = tmp_path / "runs" / name
        folder.mkdir(parents=True)
        Outcome("run", run_id=run_id).save(folder)
    assert run_folder("b", {}, {"paths": paths}) == tmp_path / "runs/day/two"
    assert run_folder("c", {}, {"paths": paths}) is None
    tags = {FOLDER_TAG: "runs/day/one"}
    assert run_folder("a", tags, {"paths": paths}) == tmp_path / "runs/day/one"
    assert run_folder("b", tags, {"paths": paths}) is None  # a later run has taken the folder
