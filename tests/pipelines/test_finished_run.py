"""A finished run is opened by its id, or refused with the reason."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from stored_run import CLASSES, DECIDER, SMALL, present, record_of, store_at, write_run

from idc.errors import CheckpointError, ConfigError, DataError, IdcError
from idc.pipelines import finished_run
from idc.pipelines.finished_run import (
    TrainedRun,
    choose_device,
    find_members,
    open_run,
    opened_run,
)
from idc.runtime.outcome import load_outcome
from idc.tracking.integrity import digest_tags

Config = dict[str, Any]


@pytest.fixture
def config(compose: Callable[..., Config], tmp_path: Path) -> Config:
    return compose(*SMALL, f"paths.root={tmp_path}")


@pytest.fixture
def run(config: Config, tmp_path: Path) -> TrainedRun:
    return open_run(store_at(tmp_path), write_run(config), present(config), tmp_path / "restored")


def test_a_run_opens_with_all_that_it_was_finished_with(run: TrainedRun, config: Config) -> None:
    assert run.class_names == CLASSES
    assert run.decider == DECIDER
    assert run.config["split"] == config["split"]
    assert not run.leaky
    material = run.material()
    assert material.fingerprint == run.origin.fingerprint
    predictions = run.predictions()
    assert set(predictions["split"]) == {"val", "test"}
    network = run.network()
    assert not network.training
    tested = predictions[predictions["split"] == "test"]
    pixels = torch.from_numpy(material.patches[tested["row"].to_numpy()]).permute(0, 3, 1, 2)
    with torch.no_grad():
        scores = network(pixels).double().softmax(-1)[:, 1]
    torch.testing.assert_close(
        scores, torch.tensor(tested["score"].to_numpy()), atol=1e-6, rtol=1e-5
    )


def test_other_data_than_those_of_training_are_refused(run: TrainedRun) -> None:
    other = replace(run, config={**run.config, "data": {**run.config["data"]}})
    other.config["data"]["source"] = {**run.config["data"]["source"], "seed": 7}
    with pytest.raises(DataError) as refused:
        other.material()
    found = str(refused.value)
    assert "run=a: the data differ from those used for training" in found
    assert f"expected {run.origin.fingerprint}" in found
    assert "data.root" in found


def test_weights_of_another_network_are_refused(run: TrainedRun) -> None:
    backbone = {**run.config["backbone"], "channels": 16}
    with pytest.raises(CheckpointError, match=r"run=a: best\.ckpt does not fit"):
        replace(run, config={**run.config, "backbone": backbone}).network()


@pytest.mark.parametrize(
    ("name", "reason"),
    [("checkpoints/best.ckpt", "best.ckpt"), ("evaluation/decision.json", "decision.json")],
)
def test_a_damaged_file_is_named(config: Config, tmp_path: Path, name: str, reason: str) -> None:
    record = write_run(config)
    file = tmp_path / "runs" / "a" / name
    file.write_bytes(file.read_bytes()[:40])
    with pytest.raises(CheckpointError, match=reason):
        open_run(store_at(tmp_path), record, present(config), tmp_path)


def test_predictions_that_were_changed_are_refused(config: Config, tmp_path: Path) -> None:
    record, name = write_run(config), "evaluation/predictions.parquet"
    folder = tmp_path / "runs" / "a"
    record = record_of("a", **record.data.tags, **digest_tags(folder, (name,)))
    run = open_run(store_at(tmp_path), record, present(config), tmp_path)
    assert len(run.predictions())
    changed = run.predictions().assign(score=0.5)
    changed.to_parquet(folder / name)
    with pytest.raises(CheckpointError, match=r"predictions\.parquet is damaged"):
        run.predictions()


Stub = Callable[..., None]


@pytest.fixture
def stub(monkeypatch: pytest.MonkeyPatch) -> Stub:
    """Let the store hold a run, and perhaps its jobs."""

    def put(record: object, *jobs: object) -> None:
        monkeypatch.setattr(finished_run, "find_run", lambda store, run_id: record)
        monkeypatch.setattr(finished_run, "children", lambda store, run_id: list(jobs))

    return put


def test_members_of_a_run_and_of_a_sweep(stub: Stub, tmp_path: Path) -> None:
    store, one = store_at(tmp_path), record_of("one")
    stub(one)
    assert find_members(store, "one") == (one, [one])
    sweep = record_of("s", **{"idc.kind": "sweep"})
    stub(sweep, one, record_of("two", "FAILED"))
    assert find_members(store, "s") == (sweep, [one])


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        (record_of("a", "RUNNING"), "this run is running.*resume=a"),
        (record_of("a", **{"idc.kind": "evaluate"}), "a run of idc.evaluate"),
        (record_of("a", **{"idc.kind": "sweep"}), "no job of this sweep has finished"),
    ],
)
def test_what_is_no_finished_run_is_refused(
    stub: Stub, tmp_path: Path, record: object, reason: str
) -> None:
    stub(record, record_of("b", "KILLED"))
    with pytest.raises(CheckpointError, match=f"run=a: .*{reason}"):
        find_members(store_at(tmp_path), "a")


def test_an_opened_run_marks_the_commands_folder(
    stub: Stub, config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(finished_run, "configured_store", lambda config: store_at(tmp_path))
    stub(write_run(config))
    now, folder = {**present(config), "run": "a"}, tmp_path / "mine"
    folder.mkdir()
    with opened_run(now, folder, "explain") as run:
        assert run.run_id == "a"
        outcome = load_outcome(folder)
        assert outcome is not None
        assert (outcome.kind, outcome.run_id, outcome.status) == ("explain", "a", "RUNNING")
    with pytest.raises(DataError), opened_run(now, folder, "explain"):
        raise DataError("no patch")
    outcome = load_outcome(folder)
    assert outcome is not None
    assert (outcome.status, outcome.error) == ("FAILED", "no patch")


@pytest.mark.parametrize(("tracked", "reason"), [(False, "tracking=none"), (True, "  b  name of")])
def test_one_run_is_opened_and_no_sweep(
    stub: Stub, config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    tracked: bool, reason: str,
) -> None:  # fmt: skip
    store = store_at(tmp_path) if tracked else None
    monkeypatch.setattr(finished_run, "configured_store", lambda config: store)
    stub(record_of("a", **{"idc.kind": "sweep"}), record_of("b"), record_of("c"))
    with (
        pytest.raises(ConfigError, match=reason),
        opened_run({**present(config), "run": "a"}, tmp_path, "explain"),
    ):
        pass


def test_devices(monkeypatch: pytest.MonkeyPatch) -> None:
    assert choose_device("cpu") == torch.device("cpu")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert choose_device("auto") == torch.device("cpu")
    for name in ("cuda:77", "tpu!", "nonsense"):
        with pytest.raises(IdcError, match=f"device={name}"):
            choose_device(name)
