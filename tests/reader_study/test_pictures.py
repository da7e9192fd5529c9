"""Pictures of the review page: nothing is lost, and clear means little evidence."""

import base64
import io
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from idc.reader_study.pictures import data_uri, frame_percent, legend_gradient, map_picture


def decoded(uri: str) -> NDArray[np.uint8]:
    kind, _, content = uri.partition(",")
    assert kind == "data:image/png;base64"
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(content))))


def test_a_patch_reaches_the_browser_without_loss() -> None:
    patch = np.random.default_rng(0).integers(0, 256, (50, 37, 3), dtype=np.uint8)
    assert np.array_equal(decoded(data_uri(patch)), patch)
    assert np.array_equal(decoded(data_uri(patch[:, ::-1])), patch[:, ::-1])


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.floats(-50, 50, width=32), min_size=16, max_size=16).map(
        lambda v: np.asarray(v, np.float32).reshape(4, 4)
    )
)
def test_more_evidence_is_never_more_transparent(values: NDArray[np.float32]) -> None:
    picture = map_picture(values)
    alpha = decoded(picture.source)[..., 3].ravel()
    order = np.argsort(np.abs(values).ravel(), kind="stable")
    assert (np.diff(alpha[order].astype(int)) >= 0).all()
    assert picture.signed == bool(values.min() < 0)


def test_evidence_for_and_against_differ_in_colour() -> None:
    values = np.zeros((5, 5))
    values[0, 0], values[4, 4] = 1.0, -1.0
    image = decoded(map_picture(values).source).astype(int)
    positive, negative, zero = image[0, 0], image[4, 4], image[2, 2]
    assert positive[0] > positive[2] and negative[2] > negative[0]  # yellow for, blue against
    assert positive[3] == negative[3] == 255 and zero[3] == 0


@pytest.mark.parametrize("value", [0.0, np.nan, np.inf])
def test_an_empty_map_is_clear(value: float) -> None:
    picture = map_picture(np.full((6, 6), value))
    assert not decoded(picture.source)[..., 3].any()
    assert picture.largest == 0 and not picture.signed


def test_a_few_broken_values_do_not_hide_the_rest() -> None:
    values = np.linspace(0, 1, 36).reshape(6, 6)
    values[0, :2] = np.nan, np.inf
    alpha = decoded(map_picture(values).source)[..., 3]
    assert alpha[0, 0] == alpha[0, 1] == 0 and alpha[5, 5] == 255


@pytest.mark.parametrize("signed", [False, True])
def test_the_legend_is_clear_where_the_map_is(signed: bool) -> None:
    alphas = [int(a) for a in re.findall(r"/ (\d+)%", legend_gradient(signed))]
    assert alphas[-1] == 100 and min(alphas) == 0
    assert (alphas[0] == 100) == signed and (alphas[len(alphas) // 2] == 0) == signed


def test_the_frame_lies_where_the_patch_is() -> None:
    frame = frame_percent((150, 100, 50), (250, 350, 3))
    assert (frame.left, frame.top) == pytest.approx((100 * 150 / 350, 40))
    assert (frame.width, frame.height) == pytest.approx((100 * 50 / 350, 20))


def test_a_frame_over_the_edge_is_cut() -> None:
    frame = frame_percent((-10, 80, 50), (100, 100, 3))
    assert (frame.left, frame.top, frame.width, frame.height) == (0, 80, 40, 20)
