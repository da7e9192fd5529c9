"""A checkpoint is there as a whole, or the one before it still is."""

from pathlib import Path

import pytest
import torch

from idc.runtime import checkpoint_io
from idc.runtime.checkpoint_io import AtomicCheckpointIO, copy_checkpoint


def test_a_failure_keeps_the_previous_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, plugin = tmp_path / "last.ckpt", AtomicCheckpointIO()
    plugin.save_checkpoint({"epoch": 1}, path)

    def full(self: Path, content: object) -> int:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", full)
        with pytest.raises(OSError, match="No space left"):
            plugin.save_checkpoint({"epoch": 2}, path)
    assert torch.load(path, weights_only=True) == {"epoch": 1}
    assert [p.name for p in tmp_path.iterdir()] == ["last.ckpt"]


def test_a_copy_replaces_another_file_and_never_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, target = tmp_path / "a.ckpt", tmp_path / "b.ckpt"
    source.write_bytes(b"new")
    target.write_bytes(b"old")
    copy_checkpoint(source, target)
    assert target.read_bytes() == b"new"
    (tmp_path / "link.ckpt").symlink_to(source)
    monkeypatch.setattr(checkpoint_io.shutil, "copyfile", pytest.fail)
    copy_checkpoint(source, tmp_path / "link.ckpt")
    copy_checkpoint(source, source)
