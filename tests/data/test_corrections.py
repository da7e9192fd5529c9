"""Corrected labels: the file, its checks, and whole runs that are made with it."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from conftest import IDC_TINY, TINY, Cli, Result
from idc.data.corrections import (
    COLUMNS,
    correct,
    count_corrected,
    read_corrections,
    save_corrections,
)
from idc.data.sources.synthetic import kaggle_path
from idc.errors import ConfigError, DataError
from idc.pipelines.label_corrections import under_names_of
from idc.pipelines.pseudonyms import hide_patients
from idc.tracking.privacy import Pseudonyms, Redactor

Folder = Callable[..., Path]
Line = tuple[str, int, str, object]
FIVE = {f"900{i}": (12, 8) for i in range(5)}
HEADER = "path,label_before,action,label_after,readers,reason\n"


def negative(patient: str, number: int) -> str:
    return kaggle_path(patient, 50 * number + 1, 1, 0)


def write(path: Path, lines: Sequence[Line]) -> Path:
    rows = [(*line, 2, "2 of 2 readers") for line in lines]
    save_corrections(pd.DataFrame(rows, columns=list(COLUMNS)), path)
    return path


def test_what_was_saved_is_read_again(tmp_path: Path) -> None:
    path = write(tmp_path / "c.csv", [("a,b.png", 0, "relabel", 1), ("c.png", 1, "exclude", 1)])
    assert path.read_text().splitlines()[2] == "c.png,1,exclude,,2,2 of 2 readers"
    table = read_corrections(path).table
    assert table["path"].tolist() == ["a,b.png", "c.png"]
    assert table[["label_before", "label_after", "line"]].to_numpy().tolist() == [
        [0, 1, 2],
        [1, 1, 3],
    ]
    (tmp_path / "few.csv").write_text("path,label_before,action,label_after,mood\n")
    assert read_corrections(tmp_path / "few.csv").table.empty


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", ("line 1", "path")),
        ("path,action,label_after\n", ("line 1", "label_before is missing")),
        (HEADER.replace("action", "path"), ("line 1", "path is there twice")),
        (HEADER + "a,0,move,1,2,x\n", ("line 2", "column action", "'move'", "relabel or exclude")),
        (HEADER + "a,0,relabel,,2,x\n", ("line 2", "column label_after", "''")),
        (HEADER + "a,IDC,exclude,,2,x\n", ("line 2", "column label_before", "'IDC'")),
        (HEADER + "a,1,relabel,1,2,x\n", ("line 2", "nothing would change")),
        (HEADER + ",1,exclude,,2,x\n", ("line 2", "column path", "empty")),
        (HEADER + "a,1,exclude,,2,x\na,0,exclude,,2,x\n", ("line 3", "'a'", "line 2 already")),
        (HEADER + "a,1,exclude\n", ("line 2", "3 values for 6 columns")),
        (HEADER + '"a,1,exclude\n', ("no CSV text",)),
    ],
)
def test_a_file_that_is_wrong_is_refused_by_line(
    tmp_path: Path, content: str, words: Sequence[str]
) -> None:
    path = tmp_path / "c.csv"
    path.write_text(content)
    with pytest.raises(DataError) as error:
        read_corrections(path)
    for word in ("data.corrections", "c.csv", *words):
        assert word in str(error.value)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"data\.corrections=.*none\.csv: it cannot be read"):
        read_corrections(tmp_path / "none.csv")


def small_index() -> pd.DataFrame:
    """Two patients; a and b have equal pixels and contradict one another."""
    return pd.DataFrame(
        {
            "path": ["a", "b", "c", "d"],
            "label": [0, 1, 1, 0],
            "patient": ["p", "p", "q", "q"],
            "checks": ["ink,duplicate_opposite", "duplicate_opposite", "", ""],
            "pixels": pd.array([7, 7, 8, 9], "uint64"),
            "problem": "",
        },
        index=[10, 11, 12, 13],
    )


def test_labels_change_and_what_follows_from_labels(tmp_path: Path) -> None:
    lines: list[Line] = [("a", 0, "relabel", 1), ("d", 0, "exclude", 0)]
    said = read_corrections(write(tmp_path / "c.csv", lines))
    index = correct(small_index(), said, ("no", "yes"))
    assert index["label"].tolist() == [1, 1, 1, 0]
    assert index["checks"].astype(str).tolist() == [
        "one_class,ink,relabelled",
        "one_class",
        "",
        "excluded",
    ]
    assert count_corrected(index) == {"relabelled": 1, "excluded": 1}
    by_scan = small_index().drop(columns=["pixels", "problem"])
    assert "duplicate_opposite" in correct(by_scan, said, ("no", "yes"))["checks"].iloc[0]


def test_a_file_may_name_images_by_pseudonyms(tmp_path: Path) -> None:
    own, names = small_index(), Pseudonyms("k" * 16)
    redactor, hidden = Redactor(True, names, tmp_path), hide_patients(own, names)

    def labels(*named: str) -> list[int]:
        lines: list[Line] = [(name, 1, "relabel", 0) for name in named]
        said = read_corrections(write(tmp_path / "h.csv", lines))
        public = under_names_of(said, own, hidden, redactor)
        assert public is not None
        return correct(hidden, public, ("no", "yes"))["label"].tolist()

    pseudonym = hidden["path"].iloc[1]
    assert labels(pseudonym) == labels("b") == [0, 0, 1, 0]
    with pytest.raises(DataError, match=r"line 3.*names otherwise"):
        labels(pseudonym, "b")


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ([("nowhere.png", 0, "exclude", 0)], ("line 2", "nowhere.png", "not in the data")),
        ([("a", 0, "exclude", 0), ("b", 0, "relabel", 1)], ("line 3", "was 0", "is 1")),
        ([("a", 0, "relabel", 2)], ("line 2", "label_after", "0 (no), 1 (yes)")),
    ],
)
def test_a_file_for_other_data_is_refused(
    tmp_path: Path, lines: Sequence[Line], words: Sequence[str]
) -> None:
    said = read_corrections(write(tmp_path / "c.csv", lines))
    with pytest.raises(DataError) as error:
        correct(small_index(), said, ("no", "yes"))
    for word in words:
        assert word in str(error.value)


RELABELLED = [negative(f"900{i}", 0) for i in range(5)]
EXCLUDED = [negative(f"900{i}", 1) for i in range(5)]


def corrections(tmp_path: Path) -> Path:
    lines: list[Line] = [(path, 0, "relabel", 1) for path in RELABELLED]
    lines += [(path, 0, "exclude", 0) for path in EXCLUDED]
    return write(tmp_path / "mine.csv", lines)


def artifact(result: Result, run_id: str, name: str) -> Path:
    return Path(result.client.download_artifacts(run_id, name))


def check_run(result: Result, run_id: str, names: Callable[[str], str] = str) -> pd.DataFrame:
    """The run's predictions, after everything that it must say of its corrections."""
    relabelled, excluded = {names(p) for p in RELABELLED}, {names(p) for p in EXCLUDED}
    splits = pd.read_parquet(artifact(result, run_id, "split.parquet"))
    predictions = pd.read_parquet(artifact(result, run_id, "evaluation/predictions.parquet"))
    for table in (splits, predictions):
        assert not excluded & set(table["path"])
        part = table[table["path"].isin(relabelled)]
        assert len(part)
        assert (part["label"] == 1).all()
        assert part["checks"].astype(str).str.contains("relabelled").all()
        assert not table["checks"].astype(str).str.contains("excluded").any()
    assert len(splits) == 95
    tags = result.client.get_run(run_id).data.tags
    assert tags["data.corrections"] == "5 relabelled, 5 excluded"
    notes = json.loads(tags["data.notes"])
    assert (notes["relabelled: kept"], notes["excluded: dropped"]) == (5, 5)
    (note,) = told(result, run_id)
    assert "cannot be compared" in note
    copy = read_corrections(artifact(result, run_id, "corrections.csv")).table
    assert set(copy["path"]) == relabelled | excluded
    return predictions


def told(result: Result, run_id: str) -> list[str]:
    metrics = json.loads(artifact(result, run_id, "evaluation/metrics.json").read_text())
    return [note for note in metrics["notes"] if note.startswith("data.corrections")]


def test_a_run_with_corrections_can_be_asked_when_the_file_is_gone(
    app: Callable[[str], Cli],
    compose: Callable[..., dict[str, Any]],
    kaggle: Folder,
    tmp_path: Path,
) -> None:
    from idc.pipelines.dataset import load_material

    root, file = kaggle(FIVE), corrections(tmp_path)
    train, ask = app("train"), app("evaluate")
    result = train(*IDC_TINY, f"data.root={root}", f"data.corrections={file}")
    assert result.code == 0, result.err
    run = result.runs()[0]
    predictions = check_run(result, run.info.run_id)
    assert str(tmp_path) not in json.dumps(run.data.to_dictionary())
    place = f"paths.root={tmp_path}"
    plain = load_material(compose("data=idc", f"data.root={root}", place))
    assert run.data.tags["data.fingerprint"] != plain.fingerprint
    file.unlink()
    asked = ask(f"run={run.info.run_id}", "explain=none", "report=false", "device=cpu")
    assert asked.code == 0, asked.err
    again = asked.runs()[0].info.run_id
    assert told(asked, again)
    second = pd.read_parquet(artifact(asked, again, "evaluation/predictions.parquet"))
    pd.testing.assert_frame_equal(second[list(predictions)], predictions)
    # From the artifacts alone, as on another machine.
    (tmp_path / run.data.tags["idc.folder"]).rename(tmp_path / "elsewhere")
    more = train(
        f"resume={run.info.run_id}", "trainer.max_epochs=2", "data=idc", f"data.root={root}"
    )
    assert more.code == 0, more.err
    check_run(more, run.info.run_id)


def test_bad_files_give_one_error_before_a_run_is_opened(
    cli: Cli, kaggle: Folder, tmp_path: Path
) -> None:
    root = kaggle(FIVE)
    file = tmp_path / "c.csv"
    for content, word, begun in (
        (None, "it cannot be read", False),
        ("path,action\n", "label_before is missing", False),
        (HEADER + f"{negative('9001', 0)},0,move,1,,\n", "'move' is no action", False),
        (HEADER + "9001/0/nowhere.png,0,exclude,,,\n", "'9001/0/nowhere.png' is not in", True),
        (HEADER + f"{negative('9001', 0)},1,relabel,0,,\n", "and is 0 in the data", True),
        (HEADER + f"{negative('9001', 0)},0,relabel,7,,\n", "7 is no class", True),
    ):
        file.unlink(missing_ok=True)
        if content is not None:
            file.write_text(content)
        result = cli(*IDC_TINY, f"data.root={root}", f"data.corrections={file}")
        assert result.code == 1
        (error,) = [line for line in result.err.splitlines() if line.startswith("error: ")]
        assert "data.corrections" in error
        assert word in error
        assert "Traceback" not in result.err
        assert (result.root / "mlruns" / "mlflow.db").exists() == begun


def test_prepare_shows_what_is_corrected(prepare: Cli, kaggle: Folder, tmp_path: Path) -> None:
    root, file = kaggle(FIVE), corrections(tmp_path)
    result = prepare("data=idc", f"data.root={root}", f"data.corrections={file}", "report=false")
    assert result.code == 0, result.err
    (folder,) = result.folders
    table = pd.read_csv(folder / "audit.csv").set_index("finding")
    assert table.loc["relabelled", ["patches", "dropped"]].tolist() == [5, 0]
    assert table.loc["excluded", ["patches", "dropped"]].tolist() == [5, 5]
    assert (folder / "corrections.csv").is_file()
    assert "5 relabelled, 5 excluded" in result.out


def test_drawn_data_and_pseudonyms(
    app: Callable[[str], Cli], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from idc.data.sources.synthetic import SyntheticSource
    from idc.tracking.privacy import Pseudonyms

    monkeypatch.setenv("IDC_PSEUDONYM_KEY", "0123456789abcdef-secret")
    names = Pseudonyms("0123456789abcdef-secret")
    index = SyntheticSource(5, 24).scan().index
    chosen = index[index["label"] == 0].groupby("patient").head(1)
    hidden = [names.of_path(r.patient, r.path) for r in chosen.itertuples()]
    arguments = (*TINY, "tracking.pseudonymise=true")
    fingerprints = []
    for paths in (chosen["path"].tolist(), hidden):
        file = write(tmp_path / "9001.csv", [(path, 0, "relabel", 1) for path in paths])
        result = app("train")(*arguments, f"data.corrections={file}")
        assert result.code == 0, result.err
        run = result.runs()[0]
        fingerprints.append(run.data.tags["data.fingerprint"])
        copy = artifact(result, run.info.run_id, "corrections.csv")
        assert set(read_corrections(copy).table["path"]) == set(hidden)
        file.unlink()
    assert len(set(fingerprints)) == 1
    asked = app("evaluate")(
        f"run={run.info.run_id}", "explain=none", "report=false", "tracking.pseudonymise=true"
    )
    assert asked.code == 0, asked.err
    file = write(tmp_path / "c.csv", [(path, 0, "relabel", 1) for path in hidden])
    refused = app("train")(*TINY, f"data.corrections={file}")
    assert refused.code == 1
    assert "tracking.pseudonymise=true" in refused.err


def uneven(tmp_path: Path, index: pd.DataFrame) -> Path:
    """Corrections that make some patients nearly all positive, and take much of others out."""
    lines: list[Line] = []
    for number, (_, part) in enumerate(index.groupby("patient")):
        paths = part.loc[part["label"] == 0, "path"].tolist()
        if number % 3 == 0:
            lines += [(path, 0, "relabel", 1) for path in paths[:-1]]
        elif number % 3 == 1:
            lines += [(path, 0, "exclude", 0) for path in paths[:-1]]
    return write(tmp_path / "uneven.csv", lines)


@pytest.mark.parametrize(
    "split", [(), ("split.seed=1",), ("split.folds=3", "split.fold=1"), ("split=random",)]
)
def test_corrections_move_no_patient_to_another_split(
    compose: Callable[..., dict[str, Any]], tmp_path: Path, split: Sequence[str]
) -> None:
    from idc.data.sources.synthetic import SyntheticSource
    from idc.pipelines.dataset import load_material

    options = ("data.patients=12", "data.patches_per_patient=24", *split)
    file = uneven(tmp_path, SyntheticSource(12, 24).scan().index)
    plain = load_material(compose(*options)).index.set_index("path")
    with_them = load_material(compose(*options, f"data.corrections={file}"))
    index = with_them.index.set_index("path")
    assert (index["label"] != plain["label"]).sum() > 40
    excluded = index["checks"].astype(str) == "excluded"
    assert excluded.sum() > 40
    assert (index["split"][excluded] == "").all()
    assert index["split"][~excluded].equals(plain["split"][~excluded])


def test_a_split_that_corrections_leave_without_a_class_is_refused(
    compose: Callable[..., dict[str, Any]], tmp_path: Path
) -> None:
    from idc.pipelines.dataset import load_material

    options = ("data.patients=6", "data.patches_per_patient=24")
    plain = load_material(compose(*options)).index
    for split, named in (("test", False), ("val", False), ("test", True)):
        part = plain[(plain["split"] == split) & (plain["label"] == 1)]
        file = write(tmp_path / "c.csv", [(path, 1, "relabel", 0) for path in part["path"]])
        asked = [*options, f"data.corrections={file}"]
        if named:  # what was asked for by name may lack a class
            for name in ("test", "val"):
                patients = plain["patient"][plain["split"] == name].unique()
                asked.append(f"split.{name}_patients=[{','.join(patients)}]")
            assert len(load_material(compose(*asked)).rows("test"))
            continue
        with pytest.raises(DataError, match=rf"the {split} split has no .*data\.corrections"):
            load_material(compose(*asked))


def test_what_only_a_correction_lets_in_joins_its_patient(
    compose: Callable[..., dict[str, Any]], kaggle: Folder, tmp_path: Path
) -> None:
    import shutil

    from idc.pipelines.dataset import load_material

    root = kaggle(FIVE)
    positive = kaggle_path("9002", 1, 51, 1)
    shutil.copyfile(root / negative("9002", 0), root / positive)
    options = (f"data.root={root}", f"paths.stores={tmp_path}", "audit.duplicate_opposite=drop")
    plain = load_material(compose("data=idc", *options)).index.set_index("path")
    assert plain["split"][positive] == ""
    file = write(tmp_path / "c.csv", [(positive, 1, "relabel", 0)])
    index = load_material(compose("data=idc", *options, f"data.corrections={file}")).index
    index = index.set_index("path")
    own = plain["split"][plain["patient"] == "9002"]
    assert {index["split"][positive]} == set(own) - {""}
