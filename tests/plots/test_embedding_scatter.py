"""The embedding: the same points in each panel, in random order, readable for any patients."""

from collections.abc import Callable

import matplotlib
import numpy as np
import pytest
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from numpy.typing import NDArray

from idc.plots.embedding_scatter import embedding_figure
from idc.plots.style import class_colours

Words = Callable[[Figure], str]

NAMES = ["no IDC", "IDC"]


def data(
    count: int, patients: int
) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.str_], NDArray[np.float64]]:
    rng = np.random.default_rng(0)
    points = rng.normal(size=(count, 2))
    people = np.array([f"{9000 + i % patients}" for i in range(count)])
    return points, (points[:, 0] > 0).astype(np.int64), people, rng.random(count)


def test_the_same_points_are_in_each_panel_with_their_label_and_score(words: Words) -> None:
    points, labels, people, scores = data(200, 5)
    figure = embedding_figure(points, labels, people, scores, NAMES, 0.4, ("a", "b"), note="how")
    panels = figure.axes[:3]
    drawn = [panel.collections[0] for panel in panels]
    places = [np.asarray(one.get_offsets()) for one in drawn]
    assert np.array_equal(places[0], places[1])
    assert np.array_equal(places[0], places[2])
    assert np.array_equal(np.sort(places[0], axis=0), np.sort(points, axis=0))
    order = np.array([int(np.flatnonzero((points == place).all(1))[0]) for place in places[0]])
    colours = np.array([to_rgba(c) for c in class_colours(2)])
    assert np.allclose(drawn[0].get_facecolors(), colours[labels[order]])
    scale = matplotlib.colormaps["cividis"]
    assert np.allclose(drawn[2].get_facecolors(), scale(scores[order]))
    corners = np.array([len(path.vertices) for path in drawn[0].get_paths()])
    assert len(np.unique(corners[labels[order] == 0])) == 1
    assert set(corners[labels[order] == 0]).isdisjoint(corners[labels[order] == 1])
    # Neither class lies on the other: in drawing order they are mixed.
    assert abs(np.corrcoef(np.arange(200), labels[order])[0, 1]) < 0.2
    assert {axes.get_xlim() for axes in panels} == {panels[0].get_xlim()}
    text = words(figure)
    parts = (f"IDC ({labels.sum()})", "by patient (5)", "9004", "threshold 0.4", "how", "a")
    for part in parts:
        assert part in text


def test_of_many_patients_twelve_have_a_look_of_their_own(words: Words) -> None:
    points, labels, people, scores = data(2790, 279)
    people[people == "9270"] = "9100"
    figure = embedding_figure(points, labels, people, scores, NAMES)
    grey, named = figure.axes[1].collections
    counts = {name: int((people == name).sum()) for name in people}
    assert counts["9100"] == 20
    assert len(named.get_offsets()) == 20 + 11 * 10
    assert len(grey.get_offsets()) == 2790 - 130
    assert named.get_sizes()[0] > grey.get_sizes()[0]
    looks = {
        (tuple(colour), path.vertices.tobytes())
        for colour, path in zip(named.get_facecolors(), named.get_paths(), strict=True)
    }
    assert len(looks) == 12
    text = words(figure)
    assert "by patient (278)" in text
    assert "266 others" in text
    assert "9100" in text
    assert "threshold" not in text


def test_legends_stay_below_their_panels() -> None:
    points, _, _, scores = data(90, 1)
    people = np.array([f"a slide with the long name {i % 17} $x$" for i in range(90)])
    names = [f"melanocytic nevi, kind {i}" for i in range(9)]
    labels = np.arange(90) % 9
    figure = embedding_figure(points, labels, people, scores, names, note="long words " * 30)
    figure.draw_without_rendering()
    (note,) = figure.texts[-1:]
    boxes = [axes.get_legend().get_window_extent() for axes in figure.axes[:2]]
    for axes, box in zip(figure.axes, boxes, strict=False):
        assert axes.get_position().width > 0.25
        assert box.y1 <= axes.get_window_extent().y0 + 1
        assert box.y0 >= note.get_window_extent().y1
    assert boxes[0].x1 <= boxes[1].x0


@pytest.mark.parametrize("count", [1, 2, 40])
def test_one_patient_one_class_no_scores(count: int, words: Words) -> None:
    points = np.zeros((count, 2))
    labels, people = np.ones(count, np.int64), np.full(count, "8863")
    text = words(embedding_figure(points, labels, people, None, NAMES))
    assert "no IDC (0)" in text
    assert "by patient (1)" in text
    assert "by score" not in text


def test_points_shrink_with_their_number() -> None:
    sizes = []
    for count in (30, 3000, 20000):
        figure = embedding_figure(*data(count, 3), NAMES)
        sizes.append(float(figure.axes[0].collections[0].get_sizes()[0]))
    assert sizes[0] > sizes[1] > sizes[2]
