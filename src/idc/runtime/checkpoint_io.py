"""Lightning's checkpoints, written so that a kill or a full disk cannot tear one."""

import io
import shutil
from pathlib import Path
from typing import Any

import torch
from pytorch_lightning.plugins.io import TorchCheckpointIO

from idc.runtime.atomic import replacing


class AtomicCheckpointIO(TorchCheckpointIO):
    """PyTorch's files, each written beside its target, synced and renamed.

    Lightning's own writes to TMPDIR and moves: across file systems that is a copy over the target,
    and whatever ends it leaves half a checkpoint.
    """

    def save_checkpoint(
        self, checkpoint: dict[str, Any], path: str | Path, storage_options: Any = None
    ) -> None:
        """Write a checkpoint.

        Raises:
            OSError: The disk is full or cannot be written; the checkpoint before stays.
        """
        # Through memory, as Lightning does: PyTorch's own writer hides why the disk refused.
        content = io.BytesIO()
        torch.save(checkpoint, content)
        with replacing(Path(path)) as part:
            part.write_bytes(content.getbuffer())


def copy_checkpoint(source: Path, target: Path) -> None:
    """Copy a checkpoint, whole or not at all; nothing is done where both are the same file."""
    if source.resolve() == target.resolve():
        return
    with replacing(target) as part:
        shutil.copyfile(source, part)
