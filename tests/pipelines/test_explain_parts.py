"""What an explanation of a finished run takes from earlier ones, and what it refuses."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from stored_run import SMALL, present, store_at, write_run

from conftest import ONLY_MAPS
from idc.attribution.pipeline.run_steps import explain_all
from idc.attribution.pipeline.step import Trust
from idc.attribution.select import Selection
from idc.errors import ConfigError
from idc.pipelines.explain import _free_folder
from idc.pipelines.finished_run import TrainedRun, open_run
from idc.pipelines.subject import subject_of
from idc.pipelines.validate import check_values
from idc.runtime.drawing import Drawer, Drawing

Make = Callable[..., TrainedRun]


@pytest.fixture
def make(compose: Callable[..., dict[str, Any]], tmp_path: Path) -> Make:
    def run(*overrides: str) -> TrainedRun:
        config = compose(*SMALL, f"paths.root={tmp_path}", *overrides)
        return open_run(store_at(tmp_path), write_run(config), present(config), tmp_path)

    return run


@pytest.mark.parametrize("patches", [0, 4])
def test_what_is_measured_now_counts_before_what_the_run_holds(
    make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, patches: int
) -> None:
    drawn: list[dict[str, str]] = []

    def remember(_drawer: Drawer, drawings: list[Drawing]) -> None:
        cases = [case for d in drawings for case in d.arguments.get("cases", ())]
        drawn.extend(dict(case.marks) for case in cases if hasattr(case, "marks"))

    monkeypatch.setattr(Drawer, "add", remember)
    run = make("explain=[saliency,gradcam]", "explain.per_kind=1",
               *ONLY_MAPS, f"explain.faithfulness.patches={patches}")  # fmt: skip
    subject, options = subject_of(run, run.material()), run.now["explain"]
    held = {"saliency": "an old mark", "gradcam": "another"}
    trust = Trust(["saliency", "gradcam"], held)
    folder = tmp_path / "explain"
    explained = explain_all(subject, options, Selection(), subject.test, folder, trust)
    assert not explained.failures
    if patches:
        assert not set(held.values()) & set(drawn[0].values())
        assert set(explained.methods["method"]) == set(held)
    else:
        assert drawn[0] == held


@pytest.mark.parametrize(
    ("override", "value"),
    [
        ("explain.select", "some"),
        ("explain.slides.method", "occlusion"),
        ("explain.faithfulness.steps", "0"),
    ],
)
def test_options_that_cannot_work_are_refused_by_name(
    compose: Callable[..., dict[str, Any]], override: str, value: str
) -> None:
    config = compose("explain=gradcam", f"{override}={value}")
    with pytest.raises(ConfigError, match=f"{override}.*{value}"):
        check_values(config)


def test_an_explanation_never_goes_over_another(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    from idc.pipelines import explain

    held = [("explain/kinds", True), ("explain/kinds-2", True), ("explain/methods.csv", False)]
    monkeypatch.setattr(explain, "list_artifacts", lambda *_: held)
    run = make()
    assert _free_folder(run, "kinds") == "explain/kinds-3"
    assert _free_folder(run, "my cases!") == "explain/my_cases"
    with pytest.raises(ConfigError, match="name=!!"):
        _free_folder(run, "!!")
