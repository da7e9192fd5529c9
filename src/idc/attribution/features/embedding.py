"""Embeddings: the vectors that a backbone turns patches into."""

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from idc.attribution.features.stream import as_input, in_batches
from idc.attribution.map_layout import watching
from idc.attribution.prepare import explainable_copy, gradients


def embeddings(
    network: nn.Module,
    patches: NDArray[np.uint8],
    rows: NDArray[np.integer],
    batch_size: int = 256,
    device: torch.device | str = "cpu",
    advance: Callable[[int], object] | None = None,
) -> NDArray[np.float32]:
    """The output of ``network.backbone`` for some patches, after the network's preprocessing.

    Args:
        network: float (N, 3, H, W) in [0, 1] to logits, with a part named ``backbone`` that gives
            (N, F); copied, and left as it is.
        patches: uint8 (N, H, W, 3), the whole store; may be a memory map.
        rows: int (n,), the rows to embed, in this order. The result holds n x F numbers: sample
            the rows of a large set first, see `idc.attribution.features.sample`.
        batch_size: Patches at once; results do not depend on it.
        device: Where to compute.
        advance: Called with the number of further patches done.

    Returns:
        float32 (n, F); (0, 0) for no rows.
    """
    model = explainable_copy(network, device)
    vectors: NDArray[np.float32] | None = None
    labels = np.broadcast_to(np.int64(0), len(patches))
    done = 0
    with watching(model, ["backbone"], _vectors) as seen, gradients(), torch.no_grad():
        for batch in in_batches(patches, labels, rows, batch_size):
            model(as_input(batch["image"], device))
            part = seen["backbone"].float().cpu().numpy()
            if vectors is None:
                vectors = np.empty((len(rows), part.shape[1]), np.float32)
            vectors[done : done + len(part)] = part
            done += len(part)
            if advance is not None:
                advance(len(part))
    return np.empty((0, 0), np.float32) if vectors is None else vectors


def _vectors(output: object) -> Tensor | None:
    return output if isinstance(output, Tensor) and output.ndim == 2 else None
