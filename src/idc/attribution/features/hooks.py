"""Looking at what layers put out, by hooks that are always taken away again."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

MAP_DIMENSIONS = 4


@contextmanager
def watching(
    model: nn.Module, names: Sequence[str], dimensions: int = MAP_DIMENSIONS
) -> Iterator[dict[str, Tensor]]:
    """Keep the last output of some modules while the context lasts.

    Args:
        model: The model that is called within the context.
        names: Names of modules of it.
        dimensions: Outputs with another number of dimensions are passed over.

    Yields:
        Name to output, in the order in which the modules finished last; filled at each call.
    """
    seen: dict[str, Tensor] = {}

    def keep(name: str) -> Callable[..., None]:
        def hook(_module: nn.Module, _inputs: tuple[Tensor, ...], output: object) -> None:
            if isinstance(output, Tensor) and output.ndim == dimensions:
                seen.pop(name, None)
                # A copy: a residual sum is added in place, into a map that was seen before it.
                seen[name] = output.detach().clone()

        return hook

    handles: list[RemovableHandle] = []
    try:
        handles.extend(model.get_submodule(n).register_forward_hook(keep(n)) for n in names)
        yield seen
    finally:
        for handle in handles:
            handle.remove()
        seen.clear()
