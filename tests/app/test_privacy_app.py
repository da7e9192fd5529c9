"""What leaves the machine with a run, through the real command line."""

import platform
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from conftest import IDC_TINY, ONLY_MAPS, Cli, Folder, Result

pytestmark = pytest.mark.slow
TEXTS = (".yaml", ".txt", ".log", ".md", ".json", ".csv", ".html")
FEW = ("explain=none", "intervals.draws=20", "report=false")
PATIENTS = dict.fromkeys(("70001", "70002", "70003", "70004"), (8, 8))


def everything_logged(result: Result, folder: Path) -> dict[str, str]:
    """All texts that all runs logged, by name."""
    found = {}
    for run in result.runs():
        values = {**run.data.params, **run.data.tags, "name": run.info.run_name}
        found |= {f"{run.info.run_id}:{k}": f"{k} {v}" for k, v in values.items()}
        found[f"{run.info.run_id}:metrics"] = " ".join(result.metrics(run))
        target = folder / run.info.run_id
        target.mkdir(parents=True)
        result.client.download_artifacts(run.info.run_id, "", str(target))
    for place in (folder, result.root / "mlruns" / "artifacts" / "models"):
        for path in place.rglob("*"):
            if path.is_file():
                text = path.read_bytes().decode("latin-1")
                # Pictures in a page are letters and digits too.
                text = re.sub(r"data:image/[^\"]+", "", text)
                if path.suffix not in TEXTS:
                    text = "\n".join(re.findall(r"[ -~]{4,}", text))
                found[str(path.relative_to(place))] = text
    return found


def test_neither_paths_nor_host_are_logged(
    app: Callable[[str], Cli], kaggle: Folder, tmp_path: Path, tmp_path_factory
) -> None:
    root = kaggle(PATIENTS)
    train = app("train")
    result = train(*IDC_TINY, f"data.root={root}", "tracking.log_model=true", "report=true")
    assert result.code == 0, result.err
    failed = train(*IDC_TINY, f"data.root={root}", "split.test_patients=[nobody]")
    assert failed.code == 1
    for name, text in everything_logged(result, tmp_path_factory.mktemp("a")).items():
        assert str(tmp_path) not in text, name
        assert str(Path.home()) not in text or str(Path.home()) == "/", name
        if len(platform.node()) > 4:
            assert platform.node() not in text, name
    # What was not logged is still known to this machine.
    run_id = next(r.info.run_id for r in result.runs() if r.info.status == "FINISHED")
    ask = app("evaluate")(f"run={run_id}", *FEW)
    assert ask.code == 0, ask.err
    less = ("report=false", "tracking.log_model=false")
    resumed = train(f"resume={run_id}", "trainer.max_epochs=2", *less)
    assert resumed.code == 0, resumed.err


def test_patients_have_pseudonyms_in_all_that_is_logged(
    app: Callable[[str], Cli],
    kaggle: Folder,
    tmp_path_factory,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    root = kaggle(PATIENTS)
    train = app("train")
    hidden = (*IDC_TINY, f"data.root={root}", "tracking.pseudonymise=true")
    refused = train(*hidden)
    assert refused.code == 1
    assert "IDC_PSEUDONYM_KEY" in refused.err
    monkeypatch.setenv("IDC_PSEUDONYM_KEY", "a secret of some length")
    named = "split.test_patients=[70001],[70002]"
    shown = ("explain=saliency", "explain.per_kind=1", *ONLY_MAPS, "report=true")
    result = train("-m", *hidden, named, *shown)
    assert result.code == 0, result.err
    texts = everything_logged(result, tmp_path_factory.mktemp("a"))
    for name, text in texts.items():
        assert not re.search(r"7000\d", text), name
        assert "secret" not in text, name
    assert any(re.search("p-[0-9a-f]{12}", text) for text in texts.values())
    child = next(r for r in result.runs() if "idc.kind" not in r.data.tags)
    # Under their own names the patients that it was trained on would not be known again.
    named = app("evaluate")(f"run={child.info.run_id}", *FEW)
    assert "set tracking.pseudonymise=true" in named.err
    assert "set tracking.pseudonymise=true" in train(f"resume={child.info.run_id}").err
    ask = app("evaluate")(f"run={child.info.run_id}", *FEW, *hidden[-1:])
    assert ask.code == 0, ask.err
    less = ("trainer.max_epochs=2", "report=false")
    resumed = train(f"resume={child.info.run_id}", *less, *hidden[-1:])
    assert resumed.code == 0, resumed.err
