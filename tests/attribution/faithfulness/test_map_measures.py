"""Measures of the maps alone."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from idc.attribution.faithfulness.map_measures import (
    border_measures,
    is_flat,
    map_similarity,
    random_maps_like,
    truth_measures,
)

SIZES = st.tuples(st.integers(2, 9), st.integers(2, 9))


MAPS = SIZES.flatmap(
    lambda size: arrays(np.float32, (2, *size), elements=st.floats(-8, 8, width=16))
)


@given(MAPS, st.integers(0, 99))
@settings(max_examples=40, deadline=None)
def test_random_maps_have_the_same_spectrum(maps: np.ndarray, seed: int) -> None:
    random = random_maps_like(maps, 3, [(seed, 0), (seed, 1)])
    assert random.shape == (2, 3, *maps.shape[1:])
    for one, many in zip(maps.astype(float), random, strict=True):
        amplitudes = np.abs(np.fft.fft2(one))
        assert np.allclose(
            np.abs(np.fft.fft2(many)), amplitudes, atol=1e-6 * (1 + amplitudes.max())
        )
        assert np.allclose(many.mean((1, 2)), one.mean(), atol=1e-6)
        assert np.allclose(many.std((1, 2)), one.std(), atol=1e-5)


def test_random_maps_are_other_maps_and_seeded() -> None:
    maps = np.random.default_rng(7).normal(size=(2, 12, 12))
    first = random_maps_like(maps, 2, [(0, 0), (0, 1)])
    assert np.array_equal(first, random_maps_like(maps, 2, [(0, 0), (0, 1)]))
    assert np.array_equal(first[1:], random_maps_like(maps[1:], 2, [(0, 1)]))
    assert np.abs(first[0, 0] - first[0, 1]).max() > 0.1
    flat = np.full((1, 49, 37), 0.3, np.float32)
    assert (random_maps_like(flat, 2, [(0, 0)]) == flat[0, 0, 0]).all()
    assert abs(np.corrcoef(first[0, 0].ravel(), maps[0].ravel())[0, 1]) < 0.5


def test_similarity_is_of_sizes_and_unknown_for_flat_maps() -> None:
    maps = np.random.default_rng(0).normal(size=(3, 6, 6))
    assert map_similarity(maps, -2 * maps) == pytest.approx(np.ones(3))
    falling = np.abs(maps).max() - np.abs(maps)
    assert map_similarity(maps, falling) == pytest.approx(-np.ones(3))
    assert np.isnan(map_similarity(maps, np.ones_like(maps))).all()
    assert np.isnan(map_similarity(np.zeros_like(maps), maps)).all()
    assert np.isnan(map_similarity(maps, np.full_like(maps, np.nan))).all()


def test_flat_maps_are_known_whatever_they_hold() -> None:
    maps = np.zeros((5, 4, 4), np.float32)
    maps[1] = -7
    maps[2] = np.nan
    maps[3, 0, 0] = 1e-3
    maps[4] = 5 + 1e-6 * np.arange(16).reshape(4, 4) / 15
    assert is_flat(maps).tolist() == [True, True, True, False, True]


def test_truth_by_hand() -> None:
    signal = np.zeros((4, 50, 50), bool)
    signal[:3, 10:20, 10:20] = True
    maps = np.zeros((4, 50, 50), np.float32)
    maps[0] = signal[0]
    maps[1] = 1 - signal[1]
    maps[1, 15, 22] = 2  # three pixels beside it, which the paper's tolerance allows
    maps[2, 15, 23] = 2  # four pixels beside it
    found = truth_measures(maps, signal)
    assert found["pointing_game"].tolist()[:3] == [1, 1, 0]
    assert found["localisation"].tolist()[:2] == [1, 0]
    assert found["localisation"][2] == pytest.approx(0.5, abs=1e-3)
    assert found["signal_mass"].tolist()[:3] == [1, 0, 0]
    assert found["signal_area"][0] == pytest.approx(0.04)
    assert 0.04 < found["pointing_chance"][0] < 16**2 / 2500
    assert found.loc[3].isna().all()


def test_a_flat_map_hits_by_chance() -> None:
    signal = np.zeros((1, 20, 20), bool)
    signal[0, :5, :5] = True
    found = truth_measures(np.zeros((1, 20, 20), np.float32), signal).loc[0]
    assert found["pointing_game"] == pytest.approx(found["pointing_chance"])
    assert found["localisation"] == 0.5
    assert np.isnan(found["signal_mass"])


def test_the_edge_by_hand() -> None:
    maps = np.zeros((4, 50, 50), np.float32)
    maps[0] = 3
    maps[1, :2] = 1
    maps[1, 2] = 1  # the third row is not the edge, but for its ends
    maps[1, 40] = -5
    maps[2] = -1
    maps[3, :, 48:] = 1
    found = border_measures(maps)
    assert found["border_area"].tolist() == pytest.approx([1 - 46**2 / 50**2] * 4)
    assert found["border_mass"][0] == pytest.approx(found["border_area"][0])
    assert found["border_mass"][1] == pytest.approx(104 / 150)
    assert np.isnan(found["border_mass"][2])
    assert found["border_mass"][3] == 1
    assert border_measures(np.ones((1, 8, 20)))["border_area"][0] == pytest.approx(52 / 160)
    assert border_measures(np.ones((1, 2, 2)))["border_mass"][0] == 1
