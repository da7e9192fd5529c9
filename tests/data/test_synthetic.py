"""The embedded set: the same every time, hard enough, and true to the real set's layout."""

from pathlib import Path

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from idc.data.sources.idc import IdcSource
from idc.data.sources.synthetic import SyntheticSource
from idc.data.synthetic import SyntheticSpec, make_index, render
from idc.errors import ConfigError
from kaggle_files import write_kaggle

SPEC = SyntheticSpec(patients=8, patches_per_patient=100)


def test_every_patient_has_both_classes_at_different_places() -> None:
    index = make_index(SPEC)
    assert len(index) == 800
    assert (index.groupby("patient")["label"].nunique() == 2).all()
    assert not index.duplicated(["patient", "x", "y"]).any()
    assert 0.25 < index["label"].mean() < 0.45
    shares = index.groupby("patient")["label"].mean()
    assert shares.std() > 0.02  # patients differ


def test_a_patch_depends_on_its_own_row_alone() -> None:
    index = make_index(SPEC)
    some = index.iloc[[700, 3, 250]]
    patches, signal = render(SPEC, some)
    again, _ = render(SPEC, index.iloc[[3]])
    assert patches.dtype == np.uint8
    assert patches.shape == (3, 50, 50, 3)
    assert np.array_equal(patches[1], again[0])
    for place, label in enumerate(some["label"]):
        assert signal[place].any() == bool(label)
    other, _ = render(SyntheticSpec(patients=8, patches_per_patient=100, seed=1), some)
    assert not np.array_equal(other, patches)


def test_colour_alone_does_not_tell_the_classes_apart() -> None:
    """The floor of the real set (RGB mean and deviation, held-out patients), but lower."""
    index = make_index(SPEC)
    patches, _ = render(SPEC, index)
    features = np.hstack([patches.mean((1, 2)), patches.std((1, 2))])
    train = (index["patient"] < 5).to_numpy()
    mean, deviation = features[train].mean(0), features[train].std(0)
    model = LogisticRegression(max_iter=1000)
    model.fit((features[train] - mean) / deviation, index["label"][train])
    scores = model.decision_function((features[~train] - mean) / deviation)
    assert roc_auc_score(index["label"][~train], scores) < 0.8


@pytest.mark.parametrize("size", [16, 50, 96])
def test_any_size(size: int) -> None:
    spec = SyntheticSpec(patients=1, patches_per_patient=6, patch_size=size)
    patches, signal = render(spec, make_index(spec))
    assert patches.shape == (6, size, size, 3)
    assert signal.shape == (6, size, size)
    assert patches.std() > 5


def test_shuffled_labels_leave_the_pixels_alone() -> None:
    plain, shuffled = SyntheticSource(4, 40), SyntheticSource(4, 40, shuffle_labels=True)
    one, other = plain.scan().index, shuffled.scan().index
    assert (one["label"] != other["label"]).any()
    assert one["label"].sum() == other["label"].sum()
    assert np.array_equal(plain.read(one).patches, shuffled.read(other).patches)


def test_patches_that_are_too_small_to_draw_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"data\.patch_size=8"):
        SyntheticSpec(patch_size=8)


def test_written_as_png_files_it_reads_back_the_same(tmp_path: Path) -> None:
    source = SyntheticSource(3, 20)
    write_kaggle(source, tmp_path)
    real = IdcSource(str(tmp_path))
    index = real.scan().index
    assert len(index) == 60
    ours = source.scan().index.set_index("path").loc[index["path"]].reset_index()
    assert (index["label"].to_numpy() == ours["label"].to_numpy()).all()
    assert (index["patient"].to_numpy() == ours["patient"].to_numpy()).all()
    assert np.array_equal(real.read(index).patches, source.read(ours).patches)
