"""Names fanned out below an axis, so that contestants with similar values do not overlap."""

from collections.abc import Collection, Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from idc.plots.style import BLACK, BLUE, GREY

LANE = 0.45  # distance of two bars, in rows
ABOVE = 0.6  # from the axis to the first bar, in rows
Bar = tuple[list[float], int]


def lanes(groups: Sequence[Sequence[float]]) -> list[Bar]:
    """Assign bars to lanes, so that bars in a lane do not touch.

    Args:
        groups: Positions that each bar joins, two or more.

    Returns:
        Ascending positions and lane (0 is next to the axis) of each bar, by first position.
    """
    bars_in_order = sorted(sorted(places) for places in groups)
    every = [place for places in bars_in_order for place in places]
    reach = max(every, default=0) - min(every, default=0)
    ends: list[float] = []
    bars = []
    for places in bars_in_order:
        low, high = places[0], places[-1]
        free = (lane for lane, end in enumerate(ends) if low > end + 0.03 * reach)
        lane = next(free, len(ends))
        ends[lane : lane + 1] = [high]
        bars.append((places, lane))
    return bars


def clip_distant(value_of: Mapping[str, float], baselines: Collection[str]) -> dict[str, float]:
    """Positions of contestants, with distant baselines moved closer.

    Args:
        value_of: Name to value, ascending.
        baselines: Names that are moved closer if their distance from the others exceeds 1.5 times
            the range of these.

    Returns:
        Name to position on the axis, in the same order.
    """
    others = [value for name, value in value_of.items() if name not in baselines] or list(
        value_of.values()
    )
    low, high = min(others, default=0.0), max(others, default=0.0)
    room = max(1.5 * (high - low), 0.15)
    places: dict[str, float] = {}
    for sign, bound, names in (
        (-1, low - room, list(value_of)[::-1]),
        (1, high + room, list(value_of)),
    ):
        beyond = [
            name for name in names if name in baselines and sign * (value_of[name] - bound) > 0
        ]
        # Side by side: at one position, a bar to one of them would seem to join all.
        places |= {name: bound + sign * 0.15 * room * i for i, name in enumerate(beyond)}
    return {name: places.get(name, value) for name, value in value_of.items()}


def fan_depth(contestants: int, bars: Sequence[Bar]) -> float:
    """Height of the figure of `draw_fan`, in rows of text."""
    return _first_row(bars) + (contestants + 1) // 2


def draw_fan(
    axes: Axes,
    value_of: Mapping[str, float],
    places: Mapping[str, float],
    texts: Mapping[str, str],
    bars: Sequence[Bar],
    baselines: Collection[str],
) -> None:
    """Draw contestants on an axis at the top, the bars below it, and the names left and right.

    The outermost have the shortest lines, so that lines do not cross.

    Args:
        axes: Empty axes.
        value_of: Name to value, ascending, at least one.
        places: Name to position, see `clip_distant`; an arrow marks a value beyond its position.
        texts: Name to its label.
        bars: From `lanes`.
        baselines: Names of baselines, drawn as hollow diamonds.
    """
    values = list(places.values())
    pad = 0.06 * (values[-1] - values[0]) or 0.05
    start, stop = values[0] - pad, values[-1] + pad
    axes.set(xlim=(start, stop), ylim=(fan_depth(len(value_of), bars), -0.4), yticks=[])
    axes.spines[["left", "right", "bottom"]].set_visible(False)
    axes.spines["top"].set_position(("data", 0))
    axes.xaxis.tick_top()
    axes.xaxis.set_label_position("top")
    axes.xaxis.set_major_locator(MaxNLocator(6))
    for joined, lane in bars:
        level = ABOVE + LANE * lane
        ends = [joined[0] - 0.15 * pad, joined[-1] + 0.15 * pad]
        axes.plot(ends, [level] * 2, color=BLUE, linewidth=2.5, zorder=1)
        axes.plot(joined, [level] * len(joined), "o", color=BLUE, markersize=6, zorder=1)
    names = list(value_of)
    half = len(names) // 2
    for side, edge, outwards in ((names[:half], start, -1), (names[half:][::-1], stop, 1)):
        for number, name in enumerate(side):
            row = _first_row(bars) + number + 0.3
            value, place = value_of[name], places[name]
            axes.plot([place, place, edge], [0, row, row], color=GREY, linewidth=0.9, zorder=2)
            is_baseline = name in baselines
            axes.plot(
                place,
                0,
                marker=("D" if value == place else "<" if value < place else ">")
                if is_baseline
                else "o",
                markersize=6,
                markerfacecolor="white" if is_baseline else BLACK,
                markeredgecolor=BLACK,
                clip_on=False,
                zorder=3,
            )
            words = f"{texts[name]} (baseline)" if is_baseline else texts[name]
            axes.annotate(
                f"{value:.3f}  {words}" if outwards > 0 else f"{words}  {value:.3f}",
                (edge, row),
                (4 * outwards, 0),
                textcoords="offset points",
                ha="left" if outwards > 0 else "right",
                va="center",
                fontsize=9,
                style="italic" if is_baseline else "normal",
                annotation_clip=False,
            )


def _first_row(bars: Sequence[Bar]) -> float:
    return ABOVE + LANE * (1 + max((lane for _, lane in bars), default=-1)) + 0.2
