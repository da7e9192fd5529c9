"""The main job through the real command line: what it does and what it leaves behind."""

import json
import os
import signal
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import pytorch_lightning as pl
import torch
import yaml
from sklearn.metrics import f1_score, roc_auc_score

from conftest import ONLY_MAPS, TINY, Cli, Result
from idc.metrics.definitions import METRIC_NAMES
from idc.models.classifier import PatchClassifier


@pytest.mark.slow
def test_one_command_leaves_everything_that_is_needed(whole: Result) -> None:
    result = whole
    assert "balanced accuracy" in result.out
    (run,) = result.runs()
    assert run.info.run_id in result.out
    assert run.info.status == "FINISHED"
    assert run.info.run_name == "simple_cnn synthetic seed=0"
    check_metrics(run.data.metrics)
    assert set(run.data.metrics) < set(result.metrics(run))
    check_parameters_and_tags(run.data.params, run.data.tags)
    check_artifacts(result, run.info.run_id)
    check_inputs_and_model(result, run)


def check_metrics(metrics: dict[str, float]) -> None:
    for stage in ("train", "val", "test"):
        for name in ("loss", *METRIC_NAMES):
            assert np.isfinite(metrics[f"{stage}/{name}"]), f"{stage}/{name}"
    assert 0 <= metrics["test/f1_at_0.5"] <= 1
    assert all(0 <= metrics[f"test/{name}_smoothed"] <= 1 for name in METRIC_NAMES)
    # Of the one test patient there is no interval over patients.
    assert not [name for name in metrics if name.endswith(("_ci_low", "_ci_high"))]
    assert 0 <= metrics["val/threshold"] <= 1
    assert any(name.startswith("train/lr") for name in metrics)
    # What a person can read: the rest is in a table among the artifacts.
    assert len(metrics) < 70
    assert {name.split("/")[0] for name in metrics} == {"test", "train", "val", "time"}


def check_parameters_and_tags(params: dict[str, str], tags: dict[str, str]) -> None:
    assert params["backbone"] == "simple_cnn"
    assert params["optimizer.lr"] == "0.001"
    assert params["augment.transforms"] == "D4, RandomBrightnessContrast"
    assert not [name for name in params if "_target_" in name or name.startswith("data.source")]
    assert int(params["split.test.patches"]) == 24
    assert int(params["split.train.class_1"]) > 0
    assert int(params["network.weights"]) > 0
    assert (params["device"], params["precision"]) == ("cpu", "32-true")
    assert params["data.patients"] == "5"  # not the default
    assert len(params) < 60  # options that have their default are in config.yaml
    note = tags["mlflow.note.content"]
    assert not note.startswith("*")
    assert "| recall (sensitivity) |" in note
    assert "/artifacts/evaluation/report.html)" in note
    assert tags["idc.command"].partition(" ")[2].startswith("data.patients=5")
    assert len(tags["data.fingerprint"]) == 16
    assert tags["leaky"] == "false"
    assert {"version.torch", "version.mlflow", "host.kind", "host.python"} <= set(tags)


def check_artifacts(result: Result, run_id: str) -> None:
    root = Path(result.client.download_artifacts(run_id, ""))
    for name in (
        "config.yaml",
        "split.parquet",
        "console.log",
        "checkpoints/best.ckpt",
        "checkpoints/last.ckpt",
        "data/class_balance.png",
        "data/sample_patches.png",
        "data/augmented_patches.png",
        "training/learning_curves.png",
        "training/history.csv",
        "evaluation/predictions.parquet",
        "evaluation/decision.json",
        "evaluation/per_patient.csv",
        "evaluation/slices.csv",
        "evaluation/risk_coverage.csv",
        "evaluation/smoothing.csv",
        "evaluation/report.html",
        "model_card.md",
        "README.md",
        "split.csv",
        *(f"evaluation/{n}.png" for n in ("per_patient", "burden", "slices", "risk_coverage")),
        *(f"evaluation/{n}.png" for n in ("confusion_matrix", "roc", "precision_recall")),
        *(f"evaluation/{n}.png" for n in ("threshold_curve", "reliability", "best_and_worst")),
        "explain/attributions.npz",
        "explain/cases.parquet",
    ):
        assert (root / name).stat().st_size > 0, name
    split = pd.read_parquet(root / "split.parquet")
    assert len(split[["patient", "split"]].drop_duplicates()) == split["patient"].nunique()
    predictions = pd.read_parquet(root / "evaluation/predictions.parquet")
    assert {"patient", "x", "y", "label", "score", "split"} <= set(predictions)
    test = predictions[predictions["split"] == "test"]
    metrics = result.client.get_run(run_id).data.metrics
    assert roc_auc_score(test["label"], test["score"]) == pytest.approx(
        metrics["test/auroc"], abs=1e-6
    )
    called = test["score"] >= metrics["val/threshold"]
    assert f1_score(test["label"], called) == pytest.approx(metrics["test/f1"], abs=1e-6)
    history = pd.read_csv(root / "training/history.csv")
    assert sorted(set(history["epoch"])) == [1, 2]
    arrays = np.load(root / "explain/attributions.npz")
    cases = pd.read_parquet(root / "explain/cases.parquet")
    for method in ("gradcam", "integrated_gradients"):
        assert arrays[method].shape == (len(cases), 50, 50)
        assert np.abs(arrays[method]).max() > 0
    assert {f"explain/{kind}.png" for kind in cases["kind"].unique()} <= {
        str(p.relative_to(root)) for p in root.rglob("*.png")
    }
    config = yaml.safe_load((root / "config.yaml").read_text())
    assert config["choices"]["backbone"] == "simple_cnn"


def check_inputs_and_model(result: Result, run: object) -> None:
    import mlflow

    inputs = run.inputs.dataset_inputs
    assert {i.tags[0].value for i in inputs} == {"train", "val", "test"}
    (output,) = run.outputs.model_outputs
    model_id = output.model_id
    model = result.client.get_logged_model(model_id)
    assert model.source_run_id == run.info.run_id
    assert model.experiment_id == run.info.experiment_id
    assert str(model.status) == "READY"
    assert model.name == run.info.run_name
    artifacts = result.root / "mlruns" / "artifacts"
    assert list(artifacts.rglob("MLmodel"))
    assert {p.name for p in (result.root / "mlruns").iterdir()} == {
        *("artifacts", "mlflow.db", ".store.lock", "journal", "locks"),
    }
    left = [p for p in (result.root / "mlruns" / "journal").rglob("*") if p.is_file()]
    assert not [p for p in left if p.stat().st_size], "all was delivered"
    mlflow.set_tracking_uri(f"sqlite:///{result.root / 'mlruns' / 'mlflow.db'}")
    try:
        loaded = mlflow.pyfunc.load_model(f"models:/{model_id}")
        mlflow.pyfunc.load_model(f"runs:/{run.info.run_id}/model")
    finally:
        mlflow.set_tracking_uri(None)
        os.environ.pop("MLFLOW_TRACKING_URI", None)
    example = loaded.input_example
    assert loaded.predict(example).shape == (len(example), 2)
    # The model that is handed out gives the scores that were judged.
    root = result.folders[0]
    predictions = pd.read_parquet(root / "evaluation" / "predictions.parquet")
    first = predictions[predictions["split"] == "test"]["score"].to_numpy()[: len(example)]
    assert np.allclose(loaded.predict(example)[:, 1], first, atol=1e-4)
    assert loaded.predict(example[:1]).shape == (1, 2)  # any batch size


def final_weights(folder: Path) -> dict[str, torch.Tensor]:
    return torch.load(folder / "checkpoints" / "last.ckpt", weights_only=True)["state_dict"]


def comparable(outcome: Path) -> dict[str, float]:
    return json.loads((outcome / "outcome.json").read_text())["metrics"]


def test_two_runs_agree_to_the_last_bit(cli: Cli) -> None:
    arguments = (*TINY, "backbone=vanilla_cnn", "head=mlp", "augment=strong")
    for workers in (0, 1):
        result = cli(*arguments, f"loader.num_workers={workers}")
        assert result.code == 0, result.err
    first, second = result.folders
    assert comparable(first) == comparable(second)
    weights = final_weights(second)
    for name, value in final_weights(first).items():
        assert torch.equal(value, weights[name]), name


LEARNER = (*TINY, "tracking=none", "backbone=vanilla_cnn", "data.patches_per_patient=80")


def test_shuffled_labels_fall_to_chance(cli: Cli) -> None:
    """What nothing can be learnt from must not be learnt: a leak would show as a score."""
    shuffled = ("data.shuffle_labels=true", "data.patients=8", "split.test_fraction=0.4")
    result = cli(*LEARNER, *shuffled, "trainer.max_epochs=3")
    metrics = comparable(result.folders[0])
    patches = 0.4 * 8 * 80
    assert abs(metrics["test/auroc"] - 0.5) < 3.5 * 0.33 / np.sqrt(patches * 0.35 * 0.65)


def test_what_can_be_learnt_is_learnt(cli: Cli) -> None:
    result = cli(*LEARNER, "data.patients=6", "trainer.max_epochs=4")
    assert comparable(result.folders[0])["test/auroc"] > 0.85


def test_an_f1_that_costs_nothing_is_pointed_out(cli: Cli, kaggle: Callable[..., Path]) -> None:
    """With a validation split that is nearly all positive, the monitored F1 says nothing."""
    patients = {f"900{i}": (8, 8) for i in range(4)} | {"9005": (1, 30)}
    options = [o for o in TINY if not o.startswith("data.")]
    arguments = (*options, "data=idc", f"data.root={kaggle(patients)}", "split.val_patients=[9005]")
    console = "console.log"
    told = cli(*arguments)
    assert told.code == 0, told.err
    assert "has val/f1 0.98" in (told.folders[-1] / console).read_text()
    silent = cli(*arguments, "monitor.metric=val/auroc")
    assert "has val/f1" not in (silent.folders[-1] / console).read_text()


def test_without_tracking_only_the_folder_remains(cli: Cli) -> None:
    result = cli(*TINY, "tracking=none", "report=true")
    assert result.code == 0, result.err
    assert not (result.root / "mlruns").exists()
    (folder,) = result.folders
    assert (folder / "evaluation" / "confusion_matrix.png").is_file()
    assert json.loads((folder / "outcome.json").read_text())["run_id"] is None


def test_environment_chooses_the_store(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    uri = f"sqlite:///{tmp_path / 'elsewhere.db'}"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    assert cli(*TINY).code == 0
    assert (tmp_path / "elsewhere.db").is_file()
    assert not (tmp_path / "mlruns" / "mlflow.db").exists()
    assert os.environ["MLFLOW_TRACKING_URI"] == uri


# Values that name no choice; those that do go through test_every_option.py.
OPTIONS = (
    (
        *("optimizer=sgd", "scheduler=one_cycle", "loss=focal", "loader.sampler=balanced"),
        *("augment.cutmix=1.0", "augment.mixup=0.4", "callbacks.ema.decay=0.9"),
        *("trainer.precision=bf16-mixed", "explain=occlusion", "explain.per_kind=1", *ONLY_MAPS),
    ),
    (
        *("augment=gpu", "augment.mixup=0.4", "loss.class_weights=[1,3]", "threshold.rule=recall"),
        *("backbone=vanilla_cnn", "backbone.lr_factor=0.1", "trainer.gradient_clip_val=1.0"),
        *("backbone.normalize=train", "head=mlp", "head.weight_decay=0.1", "trainer.max_epochs=2"),
    ),
    (
        *("backbone=resnet18", "backbone.stem=small", "backbone.freeze=layer1"),
        *("data.image_size=32", "data.patches_per_patient=8", "scheduler=plateau"),
    ),
    (
        *("explain=default", "explain.per_kind=1", *ONLY_MAPS, "explain.features.patches=1"),
        *("explain.features.units=2", "optimizer=rmsprop", "scheduler=step"),
        *("backbone=timm", "backbone.model=vit_tiny_patch16_224", "data.image_size=48"),
        "backbone.freeze=blocks.9",
    ),
    # Batches of one size: each other one would be compiled anew.
    (
        *("trainer.compile=true", "trainer.matmul_precision=high", "trainer.channels_last=false"),
        *("loader.batch_size=24", "loader.eval_batch_size=24"),
    ),
)


@pytest.mark.parametrize("options", OPTIONS, ids=lambda o: o[0])
def test_options_work_together(cli: Cli, options: tuple[str, ...]) -> None:
    explained = any(option.startswith("explain=") for option in options)
    arguments = [option for option in TINY if not (explained and option == "explain=none")]
    result = cli(*arguments, *options)
    assert result.code == 0, result.err
    assert 0 <= comparable(result.folders[0])["test/f1"] <= 1
    if options[0].startswith("explain"):
        assert (result.folders[0] / "explain" / "attributions.npz").is_file()


def test_gradual_unfreezing_frees_stage_after_stage(cli: Cli) -> None:
    result = cli(
        *TINY,
        "backbone=vanilla_cnn",
        "backbone.freeze=all",
        "backbone.unfreeze_every=1",
        "trainer.max_epochs=2",
        "tracking.log_checkpoints=false",
    )
    assert result.code == 0, result.err
    checkpoint = torch.load(result.folders[0] / "checkpoints" / "last.ckpt", weights_only=True)
    state = checkpoint["optimizer_states"][0]["state"]
    # Epoch 1 trained the head alone, epoch 2 the last block too: only those have a history.
    names = [k for k in checkpoint["state_dict"] if k.startswith("network.backbone.stages.block3")]
    learnable = [k for k in names if k.endswith(("weight", "bias"))]
    assert len(state) == len(learnable) + 2


def test_an_epoch_with_a_checkpoint_has_its_metrics(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However soon after the checkpoint the run is stopped."""
    save = pl.Trainer.save_checkpoint

    def stop_after(self: pl.Trainer, filepath: Path, *args: object, **kwargs: object) -> None:
        save(self, filepath, *args, **kwargs)
        if Path(filepath).name == "last.ckpt" and self.current_epoch == 1:
            raise KeyboardInterrupt

    monkeypatch.setattr(pl.Trainer, "save_checkpoint", stop_after)
    result = cli(*TINY, "trainer.max_epochs=3")
    assert result.code == 130, result.err
    (run,) = result.runs()
    assert run.info.status == "KILLED"
    history = pd.read_csv(result.folders[0] / "training" / "history.csv")
    for stage in ("train", "val"):
        for name in ("loss", *METRIC_NAMES):
            logged = result.client.get_metric_history(run.info.run_id, f"{stage}/{name}")
            kept = history[(history["stage"] == stage) & (history["metric"] == name)]
            assert len(logged) == 2, f"{stage}/{name}"
            assert [m.value for m in logged] == pytest.approx(kept["value"].tolist(), abs=1e-6)
            assert len({m.step for m in logged}) == 2
    steps = {
        stage: [m.step for m in result.client.get_metric_history(run.info.run_id, f"{stage}/loss")]
        for stage in ("train", "val")
    }
    assert steps["train"] == steps["val"]


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_stopped_run_is_killed_with_what_it_had(
    cli: Cli, number: signal.Signals, code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Commands in processes of their own are stopped by `make chaos` and in test_ended.py."""
    step = PatchClassifier.training_step

    def stopped(self: PatchClassifier, images: object, batch_idx: int) -> torch.Tensor:
        if self.current_epoch == 1 and batch_idx == 1:
            os.kill(os.getpid(), number)
        return step(self, images, batch_idx)

    monkeypatch.setattr(PatchClassifier, "training_step", stopped)
    # A shell that runs the tests in the background has had them ignore Ctrl-C.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        result = cli(*TINY, "trainer.max_epochs=3")
    finally:
        signal.signal(signal.SIGINT, before)
    assert result.code == code, result.err
    (run,) = result.runs()
    assert run.info.status == "KILLED"
    artifacts = {a.path for a in result.client.list_artifacts(run.info.run_id)}
    assert {"training", "checkpoints", "console.log", "config.yaml"} <= artifacts
    assert "train/loss" in run.data.metrics
