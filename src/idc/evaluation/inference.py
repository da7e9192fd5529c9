"""From batches to probabilities: once, under the eight symmetries, or with dropout left on."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.modules.dropout import _DropoutNd

from idc.data.dataset import Batch
from idc.errors import ConfigError
from idc.metrics.uncertainty import measure_uncertainty
from idc.models.network import Network
from idc.runtime.seeding import derive_seed

MOST_SAMPLES = 1000


@dataclass(frozen=True)
class Inference:
    """How a network scores patches.

    Attributes:
        views: ``one``, or ``d4``: each patch in its eight orientations (the dihedral group of the
            square), as tissue has no up and no left (test-time augmentation).
        dropout_samples: Passes with dropout left on (Monte Carlo dropout, Gal & Ghahramani 2016);
            0 leaves it off.
        seed: Of the dropout masks.
    """

    views: Literal["one", "d4"] = "one"
    dropout_samples: int = 0
    seed: int = 0

    def __post_init__(self) -> None:
        if self.views not in ("one", "d4"):
            raise ConfigError(f"inference.views={self.views}: choose one or d4.")
        samples = self.dropout_samples
        if not isinstance(samples, int) or not (samples == 0 or 2 <= samples <= MOST_SAMPLES):
            raise ConfigError(
                f"inference.dropout_samples={samples}: give 0, or 2 to {MOST_SAMPLES} passes."
            )

    def dropping_layers(self, network: nn.Module) -> list[_DropoutNd]:
        """The layers of a network that are left to drop in `dropout_samples` passes.

        Raises:
            ConfigError: Such passes are to be made, and there is no such layer.
        """
        layers = [m for m in network.modules() if isinstance(m, _DropoutNd) and m.p > 0]
        if self.dropout_samples and not layers:
            raise ConfigError(
                "inference.dropout_samples: this network drops nothing, so all passes would be "
                "alike. Train with head.dropout above 0 (or head=mlp), or use inference=tta or an "
                "ensemble."
            )
        return layers

    @property
    def names(self) -> list[str]:
        """Short names of what is done beyond one plain pass; none for that."""
        done = {"TTA": self.views == "d4", "MC dropout": self.dropout_samples > 0}
        return [name for name, is_done in done.items() if is_done]

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)

    def describe(self) -> str:
        """How scores are made, in words."""
        parts = []
        if self.views == "d4":
            parts.append("mean over the 8 flips and rotations")
        if self.dropout_samples:
            parts.append(f"mean over {self.dropout_samples} passes with dropout left on")
        return " and ".join(parts) or "one pass"


@dataclass(frozen=True)
class ProbabilitySamples:
    """Samples of the class probabilities of some patches.

    Attributes:
        samples: float64 (S, N, k): S samples of each patch, from views, passes and networks.
        multi_label: Whether an image may be of several classes, or of none.
    """

    samples: NDArray[np.float64]
    multi_label: bool = False

    @property
    def probabilities(self) -> NDArray[np.float64]:
        """The mean of the samples, float64 (N, k)."""
        return np.asarray(self.samples.mean(axis=0))

    @property
    def uncertainty(self) -> dict[str, NDArray[np.float64]]:
        """How far the samples differ; see `idc.metrics.uncertainty`. Empty for one sample."""
        if len(self.samples) == 1:
            return {}
        return measure_uncertainty(self.samples, self.multi_label)


def pool(members: Sequence[ProbabilitySamples]) -> ProbabilitySamples:
    """The samples of several networks on the same patches, each counting alike."""
    samples = np.concatenate([one.samples for one in members])
    return ProbabilitySamples(samples, members[0].multi_label)


def predict(
    network: Network, batches: Iterable[Batch], device: torch.device, how: Inference | None = None
) -> ProbabilitySamples:
    """Probabilities from float32 logits, whatever training used.

    They are taken in float64: a float32 score near 1 has lost what calibration needs.

    Args:
        network: The network; left in eval mode, its random state untouched.
        batches: See `idc.data.dataset.Batch`.
        device: Where to compute.
        how: Views and passes; one pass if not given.

    Raises:
        ConfigError: Dropout is to be left on in a network that has none.
    """
    how = how or Inference()
    network = network.to(device).eval()
    views = D4 if how.views == "d4" else D4[:1]
    parts: list[Tensor] = []
    with torch.inference_mode(), _dropping(network, how, device):
        for number, batch in enumerate(batches):
            torch.manual_seed(derive_seed(how.seed, number))
            images = batch["image"].to(device, non_blocking=True)
            passes = range(how.dropout_samples or 1)
            logits = [network(view(images)).float() for _ in passes for view in views]
            parts.append(network.probabilities(torch.stack(logits).cpu().double()))
    return ProbabilitySamples(torch.cat(parts, dim=1).numpy(), network.multi_label)


def _turned(quarters: int, flipped: bool) -> Callable[[Tensor], Tensor]:
    def view(images: Tensor) -> Tensor:
        turned = torch.rot90(images, quarters, (-2, -1)) if quarters else images
        return turned.flip(-1) if flipped else turned

    return view


# The symmetries of the square, the identity first.
D4 = tuple(_turned(quarters, flipped) for flipped in (False, True) for quarters in range(4))


@contextmanager
def _dropping(network: nn.Module, how: Inference, device: torch.device) -> Iterator[None]:
    """Dropout on, all else in eval; afterwards all as before."""
    layers = how.dropping_layers(network)
    devices = [device] if device.type == "cuda" else []
    with torch.random.fork_rng(devices):
        for layer in layers if how.dropout_samples else ():
            layer.train()
        try:
            yield
        finally:
            for layer in layers:
                layer.eval()
