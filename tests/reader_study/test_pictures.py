"""Pictures of the review page: no loss in a patch, and grey means little evidence."""

import base64
import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from idc.reader_study.pictures import coloured, data_uri, legend, over_grey, smoothed


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
    alpha = coloured(values)[..., 3].ravel()
    order = np.argsort(np.abs(values).ravel(), kind="stable")
    assert (np.diff(alpha[order].astype(int)) >= 0).all()


def test_evidence_for_and_against_differ_in_colour() -> None:
    values = np.zeros((5, 5))
    values[0, 0], values[4, 4] = 1.0, -1.0
    image = coloured(values).astype(int)
    positive, negative, zero = image[0, 0], image[4, 4], image[2, 2]
    assert positive[0] > positive[2] and negative[2] > negative[0]  # yellow for, blue against
    assert positive[3] == negative[3] == 255 and zero[3] == 0


@pytest.mark.parametrize("value", [0.0, np.nan, np.inf])
def test_an_empty_map_is_clear(value: float) -> None:
    assert not coloured(smoothed(np.full((6, 6), value)))[..., 3].any()


def test_smoothing_keeps_place_and_sum_and_skips_broken_values() -> None:
    values = np.zeros((50, 50))
    values[20, 30], values[5, 5] = 1.0, np.nan
    smooth = smoothed(values)
    assert np.unravel_index(smooth.argmax(), smooth.shape) == (20, 30)
    assert smooth.sum() == pytest.approx(1) and 0.05 < smooth.max() < 0.5


def test_without_evidence_the_patch_stays_grey() -> None:
    patch = np.random.default_rng(0).integers(0, 256, (6, 6, 3), dtype=np.uint8)
    values = np.zeros((6, 6))
    values[2, 3] = 1.0
    plain, half, full = (over_grey(coloured(values), patch, o) for o in (0.0, 0.5, 1.0))
    assert (np.ptp(plain, axis=2) == 0).all() and (full == plain).sum() == 35 * 3
    assert np.array_equal(full[2, 3], coloured(values)[2, 3, :3])
    assert np.abs(half[2, 3] - (plain[2, 3] / 2 + full[2, 3] / 2)).max() <= 1


@pytest.mark.parametrize("signed", [False, True])
def test_the_legend_is_grey_where_the_map_is_clear(signed: bool) -> None:
    spread = np.ptp(legend(signed)[0].astype(int), axis=1)
    assert spread[50 if signed else 0] == 0 and spread[-1] > 50
    assert (spread[0] > 50) == signed
