"""The outputs of layers, kept by hooks that are always removed again."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from torch import Tensor, nn

from idc.attribution.layers import Hook, MapLayout, hooked


@contextmanager
def watching(
    model: nn.Module,
    names: Sequence[str],
    select: Callable[[object], Tensor | None] | None = None,
) -> Iterator[dict[str, Tensor]]:
    """Keep the last output of some modules while the context lasts.

    Args:
        model: The model that is called within the context.
        names: Names of modules of it.
        select: From an output to what is kept; None passes it over. By default maps, (N, C, h, w).

    Yields:
        Name to output, in the order in which the modules finished last; filled at each call.
    """
    seen: dict[str, Tensor] = {}
    chosen = select or MapLayout.of(model).as_map

    def keep(name: str) -> Hook:
        def hook(_module: nn.Module, _inputs: tuple[Tensor, ...], output: object) -> None:
            if (value := chosen(output)) is not None:
                seen.pop(name, None)
                # A copy: a residual sum is added in place, into a map that was seen before it.
                seen[name] = value.detach().clone()

        return hook

    try:
        with hooked(model, names, keep):
            yield seen
    finally:
        seen.clear()
