"""The packed store: what is in it, when it is made anew, what is read again."""

import json
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest

from conftest import BREAKS
from idc.config.schema.data import Limits
from idc.config.schema.option import defaults
from idc.data.sources.base import Scan
from idc.data.sources.idc import IdcSource
from idc.data.sources.tree import HIDDEN
from idc.data.store import build
from idc.data.store.build import read_set
from idc.data.store.store import Stored, build_store, open_current, verify
from idc.errors import DataError

Folder = Callable[..., Path]
PATIENTS = {"9001": (6, 4), "9002": (3, 7)}
LIMITS = defaults(Limits)


@contextmanager
def silent(total: int, what: str) -> Iterator[Callable[[int], None]]:
    yield lambda done: None


class Counting(IdcSource):
    """Counts the files that are read."""

    def __init__(self, root: Path, log: Path, **options: object) -> None:
        super().__init__(root, **options)
        self.log = log

    def read(self, index: pd.DataFrame) -> object:
        with self.log.open("a") as file:
            file.write("".join(f"{path}\n" for path in index["path"]))
        return super().read(index)


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(build, "CHUNK", 4)


@pytest.fixture
def source(kaggle: Folder, tmp_path: Path) -> Counting:
    return Counting(kaggle(PATIENTS), tmp_path / "read.txt")


@pytest.fixture
def make(source: Counting, tmp_path: Path) -> Callable[..., tuple[Stored, list[str]]]:
    """Make the store; gives it and the files that were read for it."""

    def run(
        workers: int = 1, limits: dict[str, float] = LIMITS, **options: bool
    ) -> tuple[Stored, list[str]]:
        source.log.write_text("")
        stored = build_store(source, tmp_path / "stores", limits, workers, silent, **options)
        return stored, source.log.read_text().splitlines()

    return run


def in_memory(source: IdcSource) -> tuple[pd.DataFrame, np.ndarray, str]:
    return read_set(source, source.scan().index, LIMITS, 2, lambda n: None)


def same(stored: Stored, source: IdcSource) -> None:
    """The store holds what reading everything gives."""
    table, patches, mark = in_memory(source)
    assert (np.asarray(stored.patches) == patches).all()
    pd.testing.assert_frame_equal(
        stored.index[list(table.columns)].astype({"checks": str}), table.astype({"checks": str})
    )
    assert stored.fingerprint == mark
    verify(stored)


def repaint(path: Path, later: int = 10**9) -> None:
    image = cv2.imread(str(path))
    image[5:9, 5:9] ^= 255
    cv2.imwrite(str(path), image)
    time = path.stat().st_mtime_ns + later
    os.utime(path, ns=(time, time))


def test_threads_of_opencv_do_not_hang_the_processes(source: Counting, make: Callable) -> None:
    """A pool of threads that OpenCV has begun is gone in a forked process, its locks are not."""
    before = cv2.getNumThreads()
    cv2.setNumThreads(4)
    cv2.cvtColor(np.zeros((4000, 4000, 3), np.uint8), cv2.COLOR_RGB2HSV)
    try:
        same(make(2)[0], source)
    finally:
        cv2.setNumThreads(before)


@pytest.mark.parametrize("workers", [1, 2])
def test_it_holds_what_the_files_hold(source: Counting, make: Callable, workers: int) -> None:
    stored, read = make(workers)
    assert sorted(read) == sorted(source.scan().index["path"])
    assert stored.read == 20
    same(stored, source)
    on_disk = pd.read_parquet(next(stored.folder.glob("index-*.parquet")))
    assert {"path", "patient", "x", "y", "label", "width", "height", "mode", "bytes", "hash"} <= {
        *on_disk.columns
    }
    opened = open_current(source, stored.folder.parent, LIMITS)
    assert opened is not None
    assert isinstance(opened.patches, np.memmap)
    assert not opened.patches.flags.writeable
    assert opened.index["path"].tolist() == stored.index["path"].tolist()
    assert make()[1] == []  # it is there


def test_only_new_and_changed_files_are_read_again(source: Counting, make: Callable) -> None:
    stored, _ = make()
    paths = source.scan().index["path"].tolist()
    (source.root / paths[3]).unlink()
    repaint(source.root / paths[7])
    new = source.root / "9001/1/9001_idx5_x901_y901_class1.png"
    cv2.imwrite(str(new), np.full((50, 50, 3), 120, np.uint8))
    assert open_current(source, stored.folder.parent, LIMITS) is None  # folders have changed
    again, read = make()
    assert sorted(read) == sorted([paths[7], new.relative_to(source.root).as_posix()])
    assert again.read == 2
    same(again, source)
    assert len(list(stored.folder.glob("patches-*.npy"))) == 1
    assert len(list(stored.folder.glob("index-*.parquet"))) == 1
    # Those who had opened the old one still see it whole.
    assert len(stored.patches) == 20
    verify(stored)


def test_a_file_written_over_in_place_is_found_by_a_look_at_every_file(
    source: Counting, make: Callable
) -> None:
    make()
    path = source.scan().index["path"][5]
    repaint(source.root / path)
    again, read = make(every_file=True)
    assert read == [path]
    same(again, source)


def test_nothing_changed_moves_nothing(source: Counting, make: Callable) -> None:
    before, _ = make()
    name = next(before.folder.glob("patches-*.npy"))
    times = name.stat().st_mtime_ns
    again, read = make(every_file=True)
    assert read == []
    assert next(before.folder.glob("patches-*.npy")) == name
    assert name.stat().st_mtime_ns == times
    same(again, source)


def test_other_limits_check_anew_without_reading(source: Counting, make: Callable) -> None:
    make()
    strict = {**LIMITS, "ink": 1e-6, "colourless": 0.001}
    again, read = make(limits=strict)
    assert read == []
    assert open_current(source, again.folder.parent, strict) is not None
    assert open_current(source, again.folder.parent, LIMITS) is None


def test_options_have_stores_of_their_own(source: Counting, make: Callable) -> None:
    stored, _ = make()
    other = Counting(source.root, source.log, patch_size=32)
    second = build_store(other, stored.folder.parent, LIMITS, 1, silent)
    assert second.patches.shape[1:] == (32, 32, 3)
    assert second.folder != stored.folder
    assert open_current(source, stored.folder.parent, LIMITS) is not None


class StopError(Exception):
    pass


@contextmanager
def stop_at_once(total: int, what: str) -> Iterator[Callable[[int], None]]:
    def stop(done: int) -> None:
        raise StopError

    yield stop


def test_a_stopped_build_goes_on_where_it_was(
    source: Counting, make: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop_after(done: int) -> None:
        seen.append(done)
        if len(seen) == 3:
            raise StopError

    @contextmanager
    def stopping(total: int, what: str) -> Iterator[Callable[[int], None]]:
        yield stop_after

    seen: list[int] = []
    with pytest.raises(StopError):
        build_store(source, tmp_path / "stores", LIMITS, 1, stopping)
    first = set(source.log.read_text().splitlines())
    assert len(first) == 12
    assert open_current(source, tmp_path / "stores", LIMITS) is None  # nothing half-made is used
    paths = source.scan().index["path"].tolist()
    repaint(source.root / paths[0])  # changed meanwhile, in a chunk that was done
    stored, read = make()
    assert set(read) == (set(paths) - first) | set(paths[:4])
    same(stored, source)
    assert not (stored.folder / "building").exists()


def test_pixels_that_a_stopped_build_lost_are_read_again(
    source: Counting, make: Callable, tmp_path: Path
) -> None:
    with pytest.raises(StopError):
        build_store(source, tmp_path / "stores", LIMITS, 1, stop_at_once)
    (array,) = (tmp_path / "stores").rglob("building/patches.npy")
    np.load(array, mmap_mode="r+")[1] = 0
    stored, read = make()
    assert len(read) == 20
    same(stored, source)


def test_a_build_that_died_at_its_very_end_does_not_block_the_next(
    source: Counting, make: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*arguments: object) -> None:
        raise StopError

    with monkeypatch.context() as patch:
        patch.setattr("idc.data.store.store.write_description", die)
        with pytest.raises(StopError):
            make()
    same(make()[0], source)


def test_a_torn_page_of_the_journal_is_made_anew(
    source: Counting, make: Callable, tmp_path: Path
) -> None:
    with pytest.raises(StopError):
        build_store(source, tmp_path / "stores", LIMITS, 1, stop_at_once)
    (piece,) = (tmp_path / "stores").rglob("*.parquet")
    piece.write_bytes(piece.read_bytes()[:100])
    same(make()[0], source)


def test_the_nested_copy_alone_is_watched_too(
    source: Counting, make: Callable, tmp_path: Path
) -> None:
    nested = tmp_path / "zip" / "IDC_regular_ps50_idx5"
    nested.parent.mkdir()
    source.root.rename(nested)
    source.root = nested.parent
    make()
    next(nested.rglob("*.png")).unlink()
    assert open_current(source, tmp_path / "stores", LIMITS) is None


def test_broken_files_are_in_the_index_and_told_of(source: Counting, make: Callable) -> None:
    paths = source.scan().index["path"].tolist()
    for path, how in zip(paths, ("corrupt", "truncated", "0-byte", "grey"), strict=False):
        BREAKS[how](source.root / path)
    stored, _ = make()
    assert stored.index["checks"].astype(str).tolist()[:3] == [
        "unreadable",
        "truncated",
        "unreadable",
    ]
    assert "odd_mode" in stored.index["checks"].astype(str)[3]
    assert make(every_file=True)[1] == []  # broken as before
    same(stored, source)


def test_what_is_refused_is_refused_before_a_file_is_read(source: Counting, tmp_path: Path) -> None:
    def refuse(scan: Scan) -> None:
        raise DataError(f"{len(scan.index)} are too few")

    source.log.write_text("")
    with pytest.raises(DataError, match="20 are too few"):
        build_store(source, tmp_path / "stores", LIMITS, 1, silent, refuse)
    assert source.log.read_text() == ""


def test_damage_is_noticed(source: Counting, make: Callable) -> None:
    stored, _ = make()
    array = next(stored.folder.glob("patches-*.npy"))
    np.load(array, mmap_mode="r+")[7, 3, 3] ^= 1
    with pytest.raises(DataError, match="damaged: the pixels of"):
        open_current(source, stored.folder.parent, LIMITS)
    array.write_bytes(array.read_bytes()[:5000])
    with pytest.raises(DataError, match="damaged"):
        open_current(source, stored.folder.parent, LIMITS)
    array.unlink()
    with pytest.raises(DataError, match="damaged"):
        open_current(source, stored.folder.parent, LIMITS)


def test_a_description_of_another_format_is_built_anew_and_rubbish_refused(
    source: Counting, make: Callable
) -> None:
    stored, _ = make()
    path = stored.folder / "store.json"
    content = json.loads(path.read_text())
    path.write_text(json.dumps({**content, "format": 0}))
    assert open_current(source, stored.folder.parent, LIMITS) is None
    assert len(make()[1]) == 20
    path.write_text("{")
    with pytest.raises(DataError, match=r"store\.json cannot be read"):
        open_current(source, stored.folder.parent, LIMITS)


def test_a_folder_that_cannot_be_written_says_what_to_do(source: Counting, tmp_path: Path) -> None:
    (tmp_path / "stores").write_text("a file")
    with pytest.raises(DataError, match=r"paths\.stores.*store\.use=false"):
        build_store(source, tmp_path / "stores", LIMITS, 1, silent)


def _make_one(root: Path, stores: Path, log: Path) -> int:
    return build_store(Counting(root, log), stores, LIMITS, 1, silent).read


@pytest.mark.slow
def test_processes_at_once_make_it_once(source: Counting, tmp_path: Path) -> None:
    arguments = (source.root, tmp_path / "stores", source.log)
    with ProcessPoolExecutor(3, get_context("spawn")) as pool:
        made = [pool.submit(_make_one, *arguments) for _ in range(3)]
    assert sorted(one.result() for one in made) == [0, 0, 20]


def test_what_was_not_read_is_kept_with_the_store_and_noticed_when_it_changes(
    source: Counting, make: Callable
) -> None:
    stray = source.root / "9001" / "stray.png"
    stray.write_bytes(b"x")
    (source.root / ".hidden").write_bytes(b"x")
    expected = source.scan()
    assert [(n.files, n.examples) for n in expected.not_read] == [(1, ("9001/stray.png",))]
    made, _ = make()
    opened = open_current(source, made.folder.parent, LIMITS)
    assert opened is not None
    for stored in (made, opened):
        assert (stored.not_read, stored.ignored) == (expected.not_read, {HIDDEN: 1})
    stray.unlink()
    assert open_current(source, made.folder.parent, LIMITS) is None
    again, read = make()
    assert (again.not_read, read) == ((), [])


def test_a_store_of_a_folder_that_could_not_be_listed_is_never_current(
    source: Counting, make: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed = source.root / "9001" / "0"
    open_folder = os.scandir

    def refuse(path: str | int) -> object:
        if path == str(closed):
            raise PermissionError(13, "Permission denied")
        return open_folder(path)

    with monkeypatch.context() as patch:
        patch.setattr(os, "scandir", refuse)
        made, _ = make()
    assert len(made.index) == 14
    assert [n.examples for n in made.not_read] == [("9001/0",)]
    again, read = make()  # it was opened up, which changes no folder's time
    assert (len(again.index), len(read), again.not_read) == (20, 6, ())
