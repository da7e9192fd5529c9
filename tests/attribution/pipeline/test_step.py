"""What a run says of its attribution methods is decided once, and used wherever one is shown."""

import json
from pathlib import Path
from typing import Any

import pytest

from idc.attribution.pipeline.step import Trust, read_verdicts
from idc.errors import CheckpointError


def test_one_method_comes_first_wherever_one_is_shown() -> None:
    """Seen: a page that says to trust integrated gradients first, with slides by Grad-CAM."""
    trust = Trust(["integrated_gradients", "gradcam"], {"gradcam": "not shown to beat random maps"})
    assert trust.first(["gradcam", "integrated_gradients"]) == "integrated_gradients"
    assert trust.first(["saliency", "gradcam"]) == "gradcam"
    assert Trust().first(["gradcam", "saliency"]) == "gradcam"
    assert trust.first([]) is None


def test_what_decided_is_read_back_and_older_runs_lack_it(tmp_path: Path) -> None:
    path = tmp_path / "verdicts.json"
    content: dict[str, Any] = {"order": ["gradcam"], "marks": {}}
    path.write_text(json.dumps(content))
    assert read_verdicts(path) == Trust(["gradcam"], {}, ())
    content["settings"] = {"gradcam": {"method": {"min_map": 6}}}
    content["references"] = {"deciding": ["mean"], "left": {"mean": 0.2, "white": 0.1}}
    path.write_text(json.dumps(content))
    assert read_verdicts(path) == Trust(["gradcam"], {}, ("mean",), content["settings"])
    path.write_text(json.dumps({"order": ["gradcam"], "marks": {}, "references": 3}))
    with pytest.raises(CheckpointError, match="damaged"):
        read_verdicts(path)


def test_what_was_measured_first_stays_first_and_later_methods_follow() -> None:
    first = Trust(["a", "b"], {"b": "weak"}, ("mean",), {"a": {"method": 1}})
    later = Trust(["c", "a"], {"a": "other", "c": "empty"}, ("white",), {"c": {"method": 2}})
    both = first.followed_by(later)
    assert both.order == ["a", "b", "c"]
    assert both.marks == {"b": "weak", "c": "empty"}
    assert both.deciding == ("mean",)
    assert set(both.settings) == {"a", "c"}
    assert both.without(["b"]).caveat("b") == "faithfulness not measured"
    assert Trust().followed_by(later) == later
