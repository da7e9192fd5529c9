"""A sheet of equally large panels of one slide, whatever its shape."""

import textwrap
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from idc.plots.mosaic import Places
from idc.plots.slide import slide_axes
from idc.plots.style import new_figure

# Inches. Places are reckoned, not found by a layout engine: none keeps panels of any shape equally
# large with their words apart.
MOST_WIDE, MOST_TALL = 13.0, 9.0  # that all panels may take
LEAST_SLOT = 2.3  # so that the words above a panel find room
LEAST_PANEL = 0.5  # a slide of one row or column is stretched to it
LEFT, GAP, ABOVE, BELOW, TITLE = 0.8, 0.35, 0.52, 0.5, 0.5
BAR_BESIDE, BAR_BELOW, BAR = 1.3, 0.75, 0.14
LINE = 0.21  # of the legend
CHARACTER = 0.066  # of the legend, on average
WORDS = 36  # characters above a panel


@dataclass(eq=False)
class Sheet:
    """A figure under construction; `close` puts everything in its place.

    Attributes:
        figure: The figure.
        panels: Axes in slide pixels with y downwards.
        bars: Axes of a colour bar, by the number of its panel.
        upright: Whether colour bars stand beside their panels, else they lie below.
        line: Lines are so much thinner than usual, in (0, 1], where places are small.
        boxes: Left, top, width and height of each axes, in inches from the left and the top.
        height: Of title and panels, in inches.
    """

    figure: Figure
    panels: list[Axes] = field(default_factory=list)
    bars: dict[int, Axes] = field(default_factory=dict)
    upright: bool = True
    line: float = 1.0
    boxes: list[tuple[Axes, tuple[float, float, float, float]]] = field(default_factory=list)
    height: float = TITLE

    def name(self, panel: int, title: str, note: str = "") -> None:
        """Write a title above a panel, and a note below it, cut to a line each."""
        lines = [textwrap.shorten(x, WORDS, placeholder="…") for x in (title, note) if x]
        self.panels[panel].set_title("\n".join(lines), fontsize=9.5, linespacing=1.15)

    def close(self, title: str, keys: Sequence[Artist]) -> Figure:
        """Write the title and the legend, and place the panels between them.

        Args:
            title: One or two lines.
            keys: Of the legend.
        """
        width = float(self.figure.get_figwidth())
        longest = max((len(str(key.get_label())) for key in keys), default=1)
        columns = int(np.clip(width // (longest * CHARACTER + 0.65), 1, 4))
        legend = LINE * -(-len(keys) // columns) + 0.2
        total = self.height + legend
        self.figure.set_figheight(total)
        for axes, (left, top, wide, tall) in self.boxes:
            box = (left / width, 1 - (top + tall) / total, wide / width, tall / total)
            axes.set_position(box)
        self.figure.suptitle(title, fontsize=11, y=1 - 0.1 / total, va="top")
        self.figure.legend(
            handles=keys,
            loc="lower center",
            bbox_to_anchor=(0.5, 0.05 / total),
            borderaxespad=0,
            ncols=columns,
            frameon=False,
            fontsize=8.5,
            handleheight=1.3,
            handlelength=2.2,
        )
        return self.figure


@dataclass(frozen=True)
class _Wrap:
    """How panels wrap: a number of columns, and what does not grow with the panels."""

    columns: int
    rows: int
    beside: tuple[float, ...]
    below: tuple[float, ...]

    def side(self, places: Places) -> float:
        """Inches a place, as large as fits."""
        height, width = (n + 1 for n in places.shape)
        across = (MOST_WIDE - LEFT - sum(self.beside)) / self.columns
        down = (MOST_TALL - self.rows * ABOVE - sum(self.below)) / self.rows
        # Too narrow for the words above: never chosen where there is another.
        return min(across / width, down / height) if across >= LEAST_SLOT else 0.0


def open_sheet(panels: int, bars: Collection[int], places: Places) -> Sheet:
    """Lay out panels of one slide, wrapped as its shape allows the largest of them.

    Args:
        panels: Their number.
        bars: Numbers of the panels that have a colour bar.
        places: Where the patches lie.
    """
    upright = places.shape[0] >= 0.55 * places.shape[1]
    wraps = [_wrap(panels, columns, bars, upright) for columns in range(1, panels + 1)]
    wrap = max(wraps, key=lambda x: x.side(places))
    side = wrap.side(places)
    tall, wide = (max(side * (n + 1), LEAST_PANEL) for n in places.shape)
    slot = max(wide, LEAST_SLOT)
    sheet = Sheet(
        new_figure(LEFT + wrap.columns * slot + sum(wrap.beside), 1.0),
        upright=upright,
        line=float(np.clip(12 * side, 0.3, 1.0)),
    )
    sheet.figure.set_layout_engine("none")
    top = TITLE
    for row in range(wrap.rows):
        left, top = LEFT, top + ABOVE
        for column in range(min(wrap.columns, panels - row * wrap.columns)):
            number = row * wrap.columns + column
            start = left + (slot - wide) / 2
            last = number + wrap.columns >= panels
            axes = _panel(sheet, places, (wide, tall), last, column == 0 or slot > wide + 0.8)
            sheet.boxes.append((axes, (start, top, wide, tall)))
            if number in bars:
                _bar(sheet, number, (start, top, wide, tall), BELOW if last else 0.08)
            left += slot + wrap.beside[column]
        top += tall + wrap.below[row]
    sheet.height = top
    return sheet


def _wrap(panels: int, columns: int, bars: Collection[int], upright: bool) -> _Wrap:
    rows = -(-panels // columns)
    beside, below = [GAP] * columns, [0.1] * rows
    for number in range(panels):
        row = number // columns
        if number + columns >= panels:  # nothing hangs below it: it has the labels of x
            below[row] = max(below[row], BELOW)
    for number in bars:
        if upright:
            beside[number % columns] = BAR_BESIDE
        else:
            row = number // columns
            below[row] = max(below[row], BAR_BELOW + (BELOW if number + columns >= panels else 0))
    return _Wrap(columns, rows, tuple(beside), tuple(below))


def _panel(
    sheet: Sheet, places: Places, size: tuple[float, float], last: bool, first: bool
) -> Axes:
    axes = sheet.figure.add_axes((0, 0, 1, 1))
    sheet.panels.append(axes)
    slide_axes(axes, places)
    axes.set_autoscale_on(False)
    for axis, inches, room in zip((axes.xaxis, axes.yaxis), size, (0.65, 0.3), strict=True):
        bins = int(np.clip(inches // room, 1, 5))
        axis.set_major_locator(MaxNLocator(bins, integer=True, steps=[1, 2, 5, 10]))
    axes.tick_params(labelbottom=last, labelleft=first)
    if last:
        axes.set_xlabel("x on the slide, px", fontsize=8.5)
    if first and size[1] > 1:
        axes.set_ylabel("y on the slide, px", fontsize=8.5)
    elif first:
        axes.set_ylabel("y, px", fontsize=8.5)
    return axes


def _bar(sheet: Sheet, number: int, box: tuple[float, float, float, float], drop: float) -> None:
    """Beside the panel, or below it and its labels."""
    left, top, wide, tall = box
    axes = sheet.figure.add_axes((0, 0, 1, 1))
    sheet.bars[number] = axes
    if sheet.upright:
        sheet.boxes.append((axes, (left + wide + 0.1, top, BAR, tall)))
    else:
        long = min(wide, 5.0)
        sheet.boxes.append((axes, (left + (wide - long) / 2, top + tall + drop, long, BAR)))
