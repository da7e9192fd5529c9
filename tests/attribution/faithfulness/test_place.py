"""Where a map lies: on the truth, or on the patch's edge."""

import numpy as np
import pytest

from idc.attribution.faithfulness.place import border_measures, truth_measures


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
