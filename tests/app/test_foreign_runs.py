"""A run that somebody else made, or that was damaged, is refused by every app in one sentence."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from config.hostile import HOSTILE, plant_in_checkpoint, set_trap
from conftest import TINY, Cli, Result
from idc.runtime.digests import seal

pytestmark = pytest.mark.slow
App = Callable[[str], Cli]
Change = Callable[[dict[str, Any]], None]


class Trained:
    """A finished run, and every way of reading it."""

    def __init__(self, app: App, folder: Path) -> None:
        self.app = app
        result = app("train")(*TINY)
        assert result.code == 0, result.err
        (self.run,) = result.runs()
        self.folder = result.folders[0]
        self.spare = {name: (self.folder / name).read_bytes() for name in self.files}

    files = ("checkpoints/best.ckpt", "checkpoints/last.ckpt", "outcome.json", "local.json")

    def change(self, change: Change) -> None:
        """Change both checkpoints, with digests that fit."""
        for name in self.files[:2]:
            content = torch.load(self.folder / name, weights_only=True)
            change(content)
            seal(content)
            torch.save(content, self.folder / name)

    def restore(self) -> None:
        for name, content in self.spare.items():
            (self.folder / name).write_bytes(content)

    def readings(self, *ways: str) -> Iterator[tuple[str, Result]]:
        """What each app says of the run: by its id, and by a checkpoint's path."""
        run, last = f"run={self.run.info.run_id}", self.folder / "checkpoints" / "last.ckpt"
        few, more = ("explain=none", "device=cpu"), "trainer.max_epochs=2"
        commands = {
            "evaluate": ("evaluate", run, *few, "report=false"),
            "explain": ("explain", run, *few),
            "review": ("review", run, *few, "serve=false"),
            "resume": ("train", f"resume={self.run.info.run_id}", more),
            "file": ("train", f"resume={last}", more, "tracking=none"),
        }
        for way in ways or commands:
            name, *arguments = commands[way]
            yield way, self.app(name)(*arguments)


@pytest.fixture
def trained(app: App, tmp_path: Path) -> Trained:
    return Trained(app, tmp_path)


def refused(result: Result, *words: str) -> None:
    """One sentence, no traceback, and all that it must name."""
    assert result.code == 1
    assert "Traceback" not in result.err
    assert sum(line.startswith("error:") for line in result.err.splitlines()) == 1, result.err
    for word in words:
        assert word in result.err


def test_nothing_that_a_checkpoint_names_is_called(trained: Trained, tmp_path: Path) -> None:
    trap = set_trap(tmp_path / "trap")
    for name in trained.files[:2]:
        plant_in_checkpoint(trained.folder / name, HOSTILE[0], trap)
    for app, result in trained.readings():
        assert not trap.canary.exists(), app
        refused(result, "backbone.channels", "idc.models.weights.torch.load")


def test_flipped_signs_are_damage_and_no_other_result(trained: Trained) -> None:
    for name in trained.files[:2]:
        content = torch.load(trained.folder / name, weights_only=True)
        weight = next(v for k, v in content["state_dict"].items() if k.endswith("weight"))
        weight[:2].neg_()
        torch.save(content, trained.folder / name)
    for _, result in trained.readings():
        refused(result, ".ckpt is damaged", "digest")


def test_each_damage_is_named(trained: Trained, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IDC_TEST_SECRET", "hunter2hunter2")

    def refer(content: dict[str, Any]) -> None:
        content["idc"]["config"]["name"] = "${oc.env:IDC_TEST_SECRET}"

    def spoil(content: dict[str, Any]) -> None:
        next(v for k, v in content["state_dict"].items() if k.endswith("weight")).fill_(torch.nan)

    # Nothing that a checkpoint refers to is looked up.
    trained.change(refer)
    for _, result in trained.readings("evaluate", "file"):
        refused(result, "name is '${oc.env:IDC_TEST_SECRET}'")
        assert "hunter2" not in result.err + result.out
    trained.restore()

    trained.change(spoil)
    for _, result in trained.readings("evaluate", "resume"):
        refused(result, ".ckpt", "not finite numbers")
    trained.restore()

    for name in ("outcome.json", "local.json"):
        path = trained.folder / name
        path.write_bytes(path.read_bytes()[:20] + b"{")
        for _, result in trained.readings("review", "resume"):
            refused(result, str(path))
        trained.restore()

    def refuse_a_value(content: dict[str, Any]) -> None:
        content["idc"]["config"]["data"]["patch_size"] = "wide"

    trained.change(refuse_a_value)
    for _, result in trained.readings("evaluate"):
        refused(result, "best.ckpt", "data.patch_size=wide")
    trained.restore()

    path = trained.folder / "evaluation" / "decision.json"
    decision = path.read_text()
    path.write_text(json.dumps({**json.loads(decision), "threshold": 0.99}))
    for _, result in trained.readings("evaluate", "explain"):
        refused(result, str(path), "digest")
    path.write_text(decision)

    client = Result(0, "", "", trained.folder.parents[2]).client
    for nonsense in ("nonsense", "[1]"):
        client.set_tag(trained.run.info.run_id, "data.class_names", nonsense)
        for _, result in trained.readings("evaluate"):
            refused(result, "data.class_names", nonsense)


def test_a_package_of_the_users_own_is_built_where_the_command_line_names_it(
    app: App, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mypackage.py").write_text(
        "from idc.models.backbones import simple_cnn\n\n\n"
        "def tiny(image_size, weights=None, channels=4):\n"
        "    return simple_cnn(image_size, weights, channels)\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    result = app("train")(*TINY, "backbone._target_=mypackage.tiny", "backbone.channels=4")
    assert result.code == 0, result.err
    (run,) = result.runs()
    command = (f"run={run.info.run_id}", "explain=none", "device=cpu", "report=false")
    resumed = (f"resume={run.info.run_id}", "trainer.max_epochs=2")
    trusted = "+trusted._target_=mypackage.tiny"
    for name, arguments in (("evaluate", command), ("train", resumed)):
        refused(app(name)(*arguments), "backbone would call mypackage.tiny")
        result = app(name)(*arguments, trusted)
        assert result.code == 0, result.err
