"""Slide maps of tissue and classes, and the drawing functions that slide figures share."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator, StrMethodFormatter
from numpy.typing import NDArray

from idc.plots.mosaic import EMPTY, Places
from idc.plots.style import BLACK, class_colours, literal, new_figure, wrap_grid

WIDTH, HEIGHT = 13.0, 9.0  # inches of all panels together, at most
MARGIN, ABOVE, MIN_SLOT = 1.0, 0.75, 2.6  # inches beside, above, and of a panel with its title
TINT = 0.42
BACKGROUND = "#{:02x}{:02x}{:02x}".format(*EMPTY)
STROKES = {"x": "/\\", "/": "/", "\\": "\\", "": ""}
NO_PATCH = Patch(facecolor=BACKGROUND, edgecolor="#bbbbbb", label="no patch")


class PlaceStyle(NamedTuple):
    r"""Style of a kind of place in a map.

    Attributes:
        name: Name in the legend, followed by its count; drawn verbatim.
        colour: Colour as #rrggbb.
        strength: Opacity of the colour over the tissue, 0..1.
        stroke: Black strokes in each place, in addition to the colour: ``x``, ``/``, ``\`` or "".
        line: Colour of the outline; "" for no outline.
    """

    name: str
    colour: str
    strength: float = TINT
    stroke: str = ""
    line: str = ""


def tint(
    tissue: NDArray[np.uint8],
    kinds: NDArray[np.integer],
    colours: Sequence[str],
    strengths: Sequence[float] | float = TINT,
) -> NDArray[np.uint8]:
    """Overlay the colour of each place's kind, such as its class, on the tissue in grey.

    The tissue is grey because colours on H&E (pink and violet) would be mistaken for stain.
    It is uint8 (H * cell, W * cell, 3); `kinds` are int (H, W), -1 without a patch; strengths range
    from 0 (grey tissue) to 1 (hidden tissue).

    Returns:
        uint8, as large as `tissue`; places without a patch are as in `tissue`.
    """
    cell = tissue.shape[0] // kinds.shape[0]
    wide = np.repeat(np.repeat(kinds, cell, 0), cell, 1)[..., None]
    palette = np.array([[int(c[i : i + 2], 16) for i in (1, 3, 5)] for c in colours], np.float32)
    shares = np.broadcast_to(np.asarray(strengths, np.float32), len(colours))
    share = shares[np.maximum(wide, 0)]
    grey = (tissue @ np.array([0.299, 0.587, 0.114], np.float32))[..., None]
    mixed = (1 - share) * grey + share * palette[np.maximum(wide[..., 0], 0)]
    return np.where(wide < 0, tissue, np.rint(mixed).astype(np.uint8))


def outline(inside: NDArray[np.bool_], places: Places) -> NDArray[np.float64]:
    """Edges between places inside and outside of a region, bool (H, W).

    Returns:
        Segments, float (n, 2, 2): start and end, each x and y in slide pixels.
    """
    ring = np.pad(inside, 1)
    row, column = np.nonzero(ring[:, 1:] != ring[:, :-1])
    vertical = np.stack([column, row - 1, column, row], 1)
    row, column = np.nonzero(ring[1:] != ring[:-1])
    horizontal = np.stack([column - 1, row, column, row], 1)
    corners = np.concatenate([vertical, horizontal]).reshape(-1, 2, 2).astype(np.float64)
    return corners * places.patch_size + (places.left, places.top)


def slide_figure(
    tissue: NDArray[np.uint8],
    labels: NDArray[np.integer],
    dropped: NDArray[np.bool_],
    places: Places,
    class_names: Sequence[str],
    title: str,
) -> Figure:
    """Tissue of a patient, and the classes of its patches, in slide pixels.

    `tissue` is uint8 (H * cell, W * cell, 3), `labels` int (H, W), -1 without a patch, and
    `dropped` bool (H, W): these are crossed out.
    """
    figure, (left, right) = slide_panels(2, places)
    figure.suptitle(title)
    draw_image(left, tissue, places)
    left.set_title("tissue")
    right.set_title("class of each patch")
    keys = draw_kinds(right, tissue, labels, class_styles(class_names), places)
    if dropped.any():
        _stroke(right, dropped, places, "x")
        keys.append(Patch(facecolor="white", hatch="xx", label=f"dropped ({dropped.sum():,})"))
    legend(figure, keys)
    return figure


def slide_panels(count: int, places: Places) -> tuple[Figure, list[Axes]]:
    """Make equally large panels in slide pixels with y downwards, as large as possible."""
    height, width = places.shape
    ratio = float(np.clip(height / width, 0.2, 4))  # beyond it, places are not square
    across = {}
    for columns in range(min(count, 2), count + 1):
        rows = -(-count // columns)
        across[columns] = min(WIDTH / columns - MARGIN, (HEIGHT / rows - ABOVE) / ratio)
    columns = max(across, key=lambda x: across[x])
    rows, wide = wrap_grid(count, columns)[0], max(across[columns], 0.5)
    slot = max(wide + MARGIN, MIN_SLOT)
    figure = new_figure(max(columns * slot, 6.5), rows * (max(wide * ratio, 0.5) + ABOVE) + 1.6)
    grid = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
    left, right, low, high = places.extent
    margin = places.patch_size / 2  # so that lines at the border are not clipped
    for axes in grid.ravel():
        axes.set(xlim=(left - margin, right + margin), ylim=(low + margin, high - margin))
        axes.set_aspect("equal" if ratio == height / width else "auto")
        axes.set_facecolor(BACKGROUND)
        axes.grid(visible=False)
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_locator(MaxNLocator(4, integer=True, steps=[1, 2, 5, 10]))
            axis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    panels = list(grid.ravel())
    for axes in panels[-columns:]:
        axes.set_xlabel("x on the slide, px")
    for axes in panels[::columns]:
        axes.set_ylabel("y on the slide, px")
    for number in range(count, len(panels)):
        panels[number].set_axis_off()
        panels[number - columns].tick_params(labelbottom=True)
        panels[number - columns].set_xlabel("x on the slide, px")
    return figure, panels[:count]


def class_styles(class_names: Sequence[str], start: str = "") -> list[PlaceStyle]:
    """Style of each class; all but the first (background) are outlined."""
    colours = class_colours(len(class_names))
    return [
        PlaceStyle(f"{start}{literal(name, 24)}", colour, line=colour if number else "")
        for number, (name, colour) in enumerate(zip(class_names, colours, strict=True))
    ]


def draw_image(axes: Axes, image: NDArray[np.generic], places: Places, **options: object) -> None:
    """Draw an image of the whole grid with options of `imshow`; limits and aspect stay."""
    axes.imshow(image, extent=places.extent, aspect=axes.get_aspect(), **options)  # type: ignore[arg-type]


def draw_kinds(
    axes: Axes,
    tissue: NDArray[np.uint8],
    kinds: NDArray[np.integer],
    styles: Sequence[PlaceStyle],
    places: Places,
) -> list[Artist]:
    """Draw each place by its kind, int (H, W), -1 without a patch, on grey tissue.

    Returns:
        Legend entries of the kinds that occur.
    """
    strengths = [style.strength for style in styles]
    draw_image(axes, tint(tissue, kinds, [x.colour for x in styles], strengths), places)
    keys: list[Artist] = []
    for number, style in enumerate(styles):
        inside = kinds == number
        if not inside.any():
            continue
        if style.stroke:
            _stroke(axes, inside, places, style.stroke)
        if style.line:
            draw_outline(axes, inside, places, style.line)
        keys.append(
            Patch(
                facecolor=(style.colour, max(style.strength, 0.08)),
                edgecolor=BLACK if style.stroke else (style.line or "#999999"),
                hatch=2 * style.stroke,
                linewidth=0.8,
                label=f"{style.name} ({int(inside.sum()):,})",
            )
        )
    return keys


def draw_outline(axes: Axes, inside: NDArray[np.bool_], places: Places, colour: str) -> None:
    """Outline a region, bool (H, W), on a wider white line for contrast."""
    lines = list(outline(inside, places))
    line = float(np.clip(30 / max(places.shape), 0.4, 1.2))  # finer for small places
    for width, line_colour in ((2 * line, "white"), (line, colour)):
        axes.add_collection(LineCollection(lines, colors=line_colour, linewidths=width))


def _stroke(axes: Axes, inside: NDArray[np.bool_], places: Places, stroke: str) -> None:
    """Draw diagonals in places, bool (H, W)."""
    near, far = 0.15, 0.85
    ends = {"\\": ((near, near), (far, far)), "/": ((near, far), (far, near))}
    row, column = np.nonzero(inside)
    corners = np.stack([column, row], 1)[:, None]
    lines = np.concatenate([corners + np.array(ends[one]) for one in STROKES[stroke]])
    on_slide = lines * places.patch_size + (places.left, places.top)
    width = float(np.clip(30 / max(places.shape), 0.4, 0.9))
    axes.add_collection(LineCollection(list(on_slide), colors=BLACK, linewidths=width))


def legend(figure: Figure, keys: Sequence[Artist]) -> None:
    """Draw a legend below the panels, with the colour of places without a patch."""
    keys = [*keys, NO_PATCH]
    longest = max(len(str(key.get_label())) for key in keys)
    columns = int(np.clip(figure.get_figwidth() // (0.065 * longest + 0.7), 1, 4))
    figure.legend(handles=keys, loc="outside lower center", ncols=columns, handleheight=1.2)
