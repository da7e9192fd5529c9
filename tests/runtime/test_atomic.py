"""A file is whole or as it was: on a full disk, after an error, on another file system."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from idc.runtime.atomic import replacing, write_text

SHM = Path("/dev/shm")
LIMIT = 64 * 1024  # bytes that a file may have in the child


def names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


def test_what_fails_half_way_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "outcome.json"
    write_text(path, "old\n")
    with pytest.raises(ZeroDivisionError), replacing(path) as part:
        part.write_text("half of the n")
        raise ZeroDivisionError
    assert path.read_text() == "old\n"
    assert names(tmp_path) == ["outcome.json"]
    write_text(path, "new ±\n")
    assert path.read_text(encoding="utf-8") == "new ±\n"


def test_what_a_killed_process_left_is_written_over(tmp_path: Path) -> None:
    kill = (
        "import os, sys; from pathlib import Path; from idc.runtime.atomic import replacing\n"
        "with replacing(Path(sys.argv[1])) as part:\n"
        "    part.write_text('half'); os.kill(os.getpid(), 9)"
    )
    path = tmp_path / "local.json"
    write_text(path, "old")
    assert subprocess.run([sys.executable, "-c", kill, str(path)]).returncode == -9
    assert path.read_text() == "old"
    write_text(path, "new")
    assert names(tmp_path) == ["local.json"]
    assert path.read_text() == "new"


@pytest.mark.parametrize("elsewhere", [False, True], ids=["same", "other file system"])
def test_a_full_disk_leaves_the_checkpoint_before(
    tmp_path: Path, elsewhere: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The limit on a file's size stands for the disk: it refuses in the middle of the write."""
    resource = pytest.importorskip("resource")
    import torch

    from idc.runtime.checkpoint_io import AtomicCheckpointIO

    if elsewhere and not os.access(SHM, os.W_OK):
        pytest.skip("there is no /dev/shm")
    folder = SHM / f"idc-test-{os.getpid()}" if elsewhere else tmp_path / "checkpoints"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    (tmp_path / "tmp").mkdir()
    path, io = folder / "last.ckpt", AtomicCheckpointIO()
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        io.save_checkpoint({"epoch": 1}, path)
        resource.setrlimit(resource.RLIMIT_FSIZE, (LIMIT, before[1]))
        with pytest.raises(OSError, match="File too large"):
            io.save_checkpoint({"epoch": 2, "weights": torch.zeros(LIMIT)}, path)
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        assert torch.load(path, weights_only=True) == {"epoch": 1}
        assert names(folder) == ["last.ckpt"]
        assert names(tmp_path / "tmp") == []
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        if elsewhere:
            (folder / "last.ckpt").unlink(missing_ok=True)
            folder.rmdir()
