"""Layout of equally sized panels of one slide, of any shape."""

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

# Inches. Positions are computed, as no layout engine keeps panels of any shape equally large
# without overlapping texts.
MAX_WIDTH, MAX_HEIGHT = 13.0, 9.0  # of all panels together
MIN_SLOT = 2.3  # width that the title of a panel needs
MIN_PANEL = 0.5  # to which a slide of one row or column is stretched
LEFT, GAP, ABOVE, BELOW, TITLE = 0.8, 0.35, 0.52, 0.5, 0.5
BAR_BESIDE, BAR_BELOW, BAR = 1.3, 0.75, 0.14
LINE = 0.21  # of the legend
CHARACTER = 0.066  # mean width in the legend
TITLE_LENGTH = 36  # characters of the title of a panel


@dataclass(eq=False)
class Sheet:
    """A figure under construction; `finish` lays it out.

    Attributes:
        figure: The figure.
        panels: Axes in slide pixels with y downwards.
        bars: Axes of the colour bars, by number of the panel.
        vertical: Whether colour bars are vertical beside their panels, else horizontal below.
        line: Factor of line widths, in (0, 1], smaller for small places.
        boxes: Left, top, width and height of each axes, in inches from the left and the top.
        height: Height of title and panels, in inches.
    """

    figure: Figure
    panels: list[Axes] = field(default_factory=list)
    bars: dict[int, Axes] = field(default_factory=dict)
    vertical: bool = True
    line: float = 1.0
    boxes: list[tuple[Axes, tuple[float, float, float, float]]] = field(default_factory=list)
    height: float = TITLE

    def set_title(self, panel: int, title: str, note: str = "") -> None:
        """Write a title and a note above a panel, each shortened to one line."""
        lines = [textwrap.shorten(x, TITLE_LENGTH, placeholder="…") for x in (title, note) if x]
        self.panels[panel].set_title("\n".join(lines), fontsize=9.5, linespacing=1.15)

    def finish(self, title: str, keys: Sequence[Artist]) -> Figure:
        """Draw title and legend, and position the panels between them.

        Args:
            title: One or two lines.
            keys: Entries of the legend.
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
class _Arrangement:
    """An arrangement of panels in columns, with the widths and heights of the rest."""

    columns: int
    rows: int
    beside: tuple[float, ...]
    below: tuple[float, ...]

    def side(self, places: Places) -> float:
        """Largest side of a place that fits, in inches."""
        height, width = (n + 1 for n in places.shape)
        across = (MAX_WIDTH - LEFT - sum(self.beside)) / self.columns
        down = (MAX_HEIGHT - self.rows * ABOVE - sum(self.below)) / self.rows
        # Too narrow for the titles: chosen only without an alternative.
        return min(across / width, down / height) if across >= MIN_SLOT else 0.0


def new_sheet(panels: int, bars: Collection[int], places: Places) -> Sheet:
    """Create panels of one slide, in the arrangement with the largest panels.

    Args:
        panels: Number of panels.
        bars: Numbers of the panels with a colour bar.
        places: Places of the patches.
    """
    vertical = places.shape[0] >= 0.55 * places.shape[1]
    arrangements = [_arrange(panels, columns, bars, vertical) for columns in range(1, panels + 1)]
    arrangement = max(arrangements, key=lambda x: x.side(places))
    side = arrangement.side(places)
    tall, wide = (max(side * (n + 1), MIN_PANEL) for n in places.shape)
    slot = max(wide, MIN_SLOT)
    sheet = Sheet(
        new_figure(LEFT + arrangement.columns * slot + sum(arrangement.beside), 1.0),
        vertical=vertical,
        line=float(np.clip(12 * side, 0.3, 1.0)),
    )
    sheet.figure.set_layout_engine("none")
    top = TITLE
    for row in range(arrangement.rows):
        left, top = LEFT, top + ABOVE
        for column in range(min(arrangement.columns, panels - row * arrangement.columns)):
            number = row * arrangement.columns + column
            start = left + (slot - wide) / 2
            last = number + arrangement.columns >= panels
            axes = _add_panel(sheet, places, (wide, tall), last, column == 0 or slot > wide + 0.8)
            sheet.boxes.append((axes, (start, top, wide, tall)))
            if number in bars:
                _add_bar(sheet, number, (start, top, wide, tall), BELOW if last else 0.08)
            left += slot + arrangement.beside[column]
        top += tall + arrangement.below[row]
    sheet.height = top
    return sheet


def _arrange(panels: int, columns: int, bars: Collection[int], vertical: bool) -> _Arrangement:
    rows = -(-panels // columns)
    beside, below = [GAP] * columns, [0.1] * rows
    for number in range(panels):
        row = number // columns
        if number + columns >= panels:  # the lowest panel of a column has the labels of x
            below[row] = max(below[row], BELOW)
    for number in bars:
        if vertical:
            beside[number % columns] = BAR_BESIDE
        else:
            row = number // columns
            below[row] = max(below[row], BAR_BELOW + (BELOW if number + columns >= panels else 0))
    return _Arrangement(columns, rows, tuple(beside), tuple(below))


def _add_panel(
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


def _add_bar(sheet: Sheet, number: int, box: tuple[float, float, float, float], gap: float) -> None:
    """Add the axes of a colour bar, beside the panel or below it and its labels."""
    left, top, wide, tall = box
    axes = sheet.figure.add_axes((0, 0, 1, 1))
    sheet.bars[number] = axes
    if sheet.vertical:
        sheet.boxes.append((axes, (left + wide + 0.1, top, BAR, tall)))
    else:
        length = min(wide, 5.0)
        sheet.boxes.append((axes, (left + (wide - length) / 2, top + tall + gap, length, BAR)))
