import platform
from pathlib import Path

import pytest

from idc.errors import ConfigError
from idc.tracking.privacy import (
    KEY_VARIABLE,
    Pseudonyms,
    Redactor,
    displayed_settings,
    hidden_values,
    redact_override,
)

KEY = "a secret of some length"


def test_pseudonyms_hang_on_the_key_and_on_the_name() -> None:
    names = Pseudonyms(KEY)
    assert names.of("8863") == Pseudonyms(KEY).of(8863)
    assert names.of("8863") != names.of("8864")
    assert names.of("8863") != Pseudonyms(KEY + ".").of("8863")
    assert names.of(names.of("8863")) == names.of("8863")
    path = names.of_path("8863", "8863/0/8863_idx5_x1_y2_class0.png")
    assert "8863" not in path.replace(names.of("8863"), "")


@pytest.mark.parametrize("key", [None, "short"])
def test_without_a_secret_nothing_is_pseudonymised(
    key: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(KEY_VARIABLE, raising=False)
    if key is not None:
        monkeypatch.setenv(KEY_VARIABLE, key)
    with pytest.raises(ConfigError, match=KEY_VARIABLE):
        Pseudonyms.from_environment()


def test_paths_and_host_are_taken_out_of_texts(tmp_path: Path) -> None:
    redactor = Redactor(True, None, tmp_path)
    root = str(tmp_path)
    assert redactor.text(f"files: {root}/runs/1") == "files: ./runs/1"
    assert redactor.text(f"{root}-other/x") != f"{root}-other/x"
    for text in (
        "cannot read /data/secret/site/8863.png.",
        "data.root=/data/secret/site",
        "['/data/secret/site', 1]",
        "sqlite:////data/secret/site/mlflow.db",
        "sqlite:///%2Fdata%2Fsecret%2Fsite%3F%2Fmlflow.db",
        "file:///data/secret/site/x",
    ):
        assert "secret" not in redactor.text(text), redactor.text(text)
    for text in (
        "3/4 of 5 patches, 12 px/s and/or http://host.org/a/b/c",
        "test/f1 0.5, evaluation/predictions.parquet",
        "../shared/data/idc",
        "<p>a</p></div></li>",
    ):
        assert redactor.text(text) == text
    if len(platform.node()) > 2:
        assert platform.node() not in redactor.text(f"on {platform.node()}, here")


def test_a_link_to_a_run_is_no_path(tmp_path: Path) -> None:
    link = "[page](#/experiments/1/runs/0a/artifacts/evaluation/report.html)"
    assert Redactor(True, None, tmp_path).text(link) == link


def test_a_path_ends_where_the_next_word_begins(tmp_path: Path) -> None:
    redactor = Redactor(True, None, tmp_path)
    command = "train.py data.root=/data/site/idc monitor.metric=val/auroc seed=1"
    assert redactor.value(command) == "train.py data.root=…/idc monitor.metric=val/auroc seed=1"
    redactor.register_paths(["/data/My Site/idc"])
    assert redactor.value("in /data/My Site/idc/8863, x") == "in …/idc/8863, x"


def test_patients_are_taken_out_of_texts_once_they_are_known(tmp_path: Path) -> None:
    names = Pseudonyms(KEY)
    redactor = Redactor(True, names, tmp_path)
    text = "patient 8863: 8863/1/8863_idx5_x51_y8863.png, 18863 patches"
    assert redactor.text(text) == text
    redactor.register_patients(["8863", "12"])
    clean = redactor.text(text)
    assert names.of("8863") in clean
    assert "8863/" not in clean.replace(names.of("8863"), "")
    assert "18863 patches" in clean


def test_configuration_as_it_may_be_logged(tmp_path: Path) -> None:
    names = Pseudonyms(KEY)
    config = {
        "paths": {"root": str(tmp_path)},
        "data": {"root": "/data/site", "source": {"root": "/data/site"}},
        "backbone": {"weights": "weights.pth"},
        "split": {"test_patients": [8863, "8865"], "val_patients": []},
    }
    shown = Redactor(True, names, tmp_path).config(config)
    assert shown["data"]["root"] == "<not logged>/site"
    assert "paths" not in shown
    assert shown["backbone"]["weights"] == "weights.pth"
    assert shown["split"]["test_patients"] == [names.of("8863"), names.of("8865")]
    assert hidden_values(config)["data.source.root"] == "/data/site"
    assert Redactor(False, None, tmp_path).config(config) == config


def test_values_keep_their_numbers_and_lose_passwords(tmp_path: Path) -> None:
    redactor = Redactor(True, Pseudonyms(KEY), tmp_path)
    redactor.register_patients(["1", "2"])
    for value in ("2.15.0", "0.1", '{"seed": "1"}', "[1, 2]"):
        assert redactor.value(value) == value
    uri = "http://alice:s3cret@mlflow.site:5000"
    assert redactor.value(uri) == "http://***@mlflow.site:5000"
    assert redactor.config({"tracking": {"uri": uri}})["tracking"]["uri"] is None


def test_settings_that_are_paths_stay_apart(tmp_path: Path) -> None:
    redactor = Redactor(True, None, tmp_path)
    shown = displayed_settings(["split.file=/a/x.csv", "split.file=/b/x.csv", "seed=1"], redactor)
    assert shown[2] == "seed=1"
    assert shown[0] != shown[1]
    assert not any("/a" in text or "/b" in text for text in shown)


def test_overrides_name_pseudonyms() -> None:
    names = Pseudonyms(KEY)
    assert redact_override("seed=1", names) == "seed=1"
    assert redact_override("split.test_patients=[8863,8865]", None).endswith("[8863,8865]")
    shown = redact_override("split.test_patients=[8863,8865]", names)
    assert shown == f"split.test_patients=[{names.of('8863')},{names.of('8865')}]"
