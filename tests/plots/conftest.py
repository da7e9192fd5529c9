"""What the tests of figures share."""

from collections.abc import Callable, Iterator

import matplotlib
import matplotlib.pyplot as plt
import pytest
from matplotlib.figure import Figure


@pytest.fixture(autouse=True)
def no_pyplot() -> Iterator[None]:
    """Figures must not be registered with pyplot: a long sweep would keep them all."""
    yield
    assert plt.get_fignums() == []


@pytest.fixture
def words() -> Callable[[Figure], str]:
    """Everything written in a figure, which is drawn for it."""

    def written(figure: Figure) -> str:
        figure.draw_without_rendering()
        result = figure.findobj(matplotlib.text.Text)
        return "\n".join(t.get_text() for t in result if t.get_visible())

    return written
