"""Tables of faithfulness."""

import numpy as np
import pytest

from idc.attribution.faithfulness.result import mean_interval, stages_summary
from idc.attribution.faithfulness.weights_check import late_stages, measured_stages
from idc.metrics.resampling import Clusters, patient_clusters


def units_of(patients: np.ndarray) -> Clusters:
    return patient_clusters(np.zeros(len(patients), np.int64), patients)


def test_intervals_are_over_patients_however_few() -> None:
    rng = np.random.default_rng(0)
    shift = rng.normal(size=12).repeat(20)
    values = shift + 0.01 * rng.normal(size=240)
    twelve, each = units_of(np.arange(12).repeat(20)), units_of(np.arange(240))
    wide, narrow = (mean_interval(values, units, 0) for units in (twelve, each))
    assert [wide[0], narrow[0]] == pytest.approx([values.mean()] * 2)
    assert wide[2] - wide[1] > 2.5 * (narrow[2] - narrow[1])
    two = mean_interval(values[:40], units_of(np.arange(2).repeat(20)), 0)
    halves = values[:40].reshape(2, 20).mean(1)
    # Student's t with one degree of freedom: 12.7 standard errors to each side.
    assert two[2] - two[1] == pytest.approx(12.7 * abs(halves[0] - halves[1]), rel=0.05)
    values[1:] = np.nan
    assert mean_interval(values, twelve, 0)[0] == values[0]
    assert np.isnan(mean_interval(values, twelve, 0)[1:]).all()
    assert np.isnan(mean_interval(np.full(240, np.nan), twelve, 0)).all()


def test_what_the_stages_say_where_some_maps_are_empty() -> None:
    layers = ["as trained", "head", "three", "two", "one"]
    similar = np.array([1, 0.9, 0.7, 0.6, 0.2])[:, None].repeat(4, 1)
    found = stages_summary(similar, layers, 0.5)
    assert found["randomisation_highest"] == pytest.approx(0.7)  # the head is not half of them
    assert (found["randomisation_until"], found["randomisation_layer"]) == ("one", "")
    assert stages_summary(similar, layers, 0.75)["randomisation_until"] == ""
    similar[4, :3] = np.nan  # the last stage is known of one patch in four
    found = stages_summary(similar, layers, 0.5)
    assert found["randomisation_layer"] == "two"
    assert found["randomisation_until"] == ""  # it fails at the last stage that is known
    assert measured_stages(similar).tolist() == [1, 2, 3]
    assert late_stages(similar).tolist() == [2, 3]
    similar[:, :3] = np.nan  # as trained, the maps of those patches are empty as well
    assert measured_stages(similar).tolist() == [1, 2, 3, 4]
    nothing = stages_summary(np.full((5, 4), np.nan), layers, 0.5)
    assert np.isnan(nothing["randomisation_highest"])
    assert (nothing["randomisation_until"], nothing["randomisation_layer"]) == ("", "")
