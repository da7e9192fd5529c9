"""Lightning's checkpoints, written atomically: a kill or a full disk cannot corrupt one."""

import io
import shutil
from pathlib import Path
from typing import Any

import torch
from pytorch_lightning.plugins.io import TorchCheckpointIO

from idc.runtime.atomic import replacing


class AtomicCheckpointIO(TorchCheckpointIO):
    """Checkpoint plugin that writes next to the target, syncs and renames.

    Lightning's own plugin writes to TMPDIR and moves the file. Across file systems that is a copy
    over the target, which leaves half a checkpoint when it is interrupted.
    """

    def save_checkpoint(
        self, checkpoint: dict[str, Any], path: str | Path, storage_options: Any = None
    ) -> None:
        """Write a checkpoint.

        Raises:
            OSError: The disk is full or cannot be written to; the previous checkpoint is kept.
        """
        # Through memory, as Lightning does: PyTorch's own writer hides the system's error.
        content = io.BytesIO()
        torch.save(checkpoint, content)
        with replacing(Path(path)) as part:
            part.write_bytes(content.getbuffer())


def copy_checkpoint(source: Path, target: Path) -> None:
    """Copy a checkpoint atomically; does nothing if both are the same file."""
    if source.resolve() == target.resolve():
        return
    with replacing(target) as part:
        shutil.copyfile(source, part)
