import numpy as np
import pandas as pd
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from idc.data.facts import fingerprint, measure

PATCHES = arrays(np.uint8, (3, 12, 12, 3))


def plain(*colour: int) -> np.ndarray:
    return np.full((1, 50, 50, 3), colour, np.uint8)


@given(PATCHES)
def test_colours_agree_with_numpy(patches: np.ndarray) -> None:
    facts = measure(patches)
    pixels = patches.reshape(3, -1, 3).astype(float)
    means, deviations = pixels.mean(1), pixels.std(1)
    assert np.allclose(facts[["mean_r", "mean_g", "mean_b"]], means, atol=1e-3)
    assert np.allclose(facts[["std_r", "std_g", "std_b"]], deviations, atol=1e-3)
    top, bottom = patches.max(3).astype(int), patches.min(3).astype(int)
    assert np.allclose(facts["white"], (bottom >= 220).mean((1, 2)), atol=1e-6)
    colourless = top - bottom < 20
    assert np.allclose(facts["colourless"], colourless.mean((1, 2)), atol=1e-6)
    assert np.allclose(facts["grey"], (colourless & (bottom < 220)).mean((1, 2)), atol=1e-6)


def test_what_is_glass_grey_and_ink() -> None:
    share = {
        name: measure(plain(*colour)).iloc[0]
        for name, colour in {
            "glass": (240, 240, 238),
            "grey": (150, 152, 148),
            "eosin": (225, 150, 190),
            "haematoxylin": (110, 80, 150),
            "green ink": (30, 160, 130),
            "brown ink": (150, 90, 20),
        }.items()
    }
    assert share["glass"]["white"] == share["glass"]["colourless"] == 1
    assert share["grey"]["grey"] == share["grey"]["colourless"] == 1
    assert share["green ink"]["ink"] == share["brown ink"]["ink"] == 1
    for stain in ("eosin", "haematoxylin"):
        assert share[stain][["white", "grey", "colourless", "ink"]].sum() == 0


@given(PATCHES, st.integers(0, 2), st.integers(0, 11), st.integers(0, 2))
def test_pixel_hash_tells_any_difference(
    patches: np.ndarray, row: int, place: int, channel: int
) -> None:
    before = measure(patches)["pixels"]
    assert (measure(patches.copy())["pixels"] == before).all()
    changed = patches.copy()
    changed[row, place, place, channel] ^= 1
    assert ((measure(changed)["pixels"] != before) == (np.arange(3) == row)).all()


def test_perceptual_hash_hardly_changes_with_brightness() -> None:
    rng = np.random.default_rng(0)
    patches = rng.integers(40, 200, (20, 10, 10, 3), np.uint8).repeat(5, 1).repeat(5, 2)
    hashes = measure(patches)["perceptual"].to_numpy()
    brighter = measure(patches + 20)["perceptual"].to_numpy()
    assert (np.bitwise_count(hashes ^ brighter) <= 3).all()
    others = np.bitwise_count(hashes[:, None] ^ hashes[None])[~np.eye(20, dtype=bool)]
    assert others.min() > 10


def test_fingerprint_follows_pixels_labels_patients_and_places() -> None:
    index = pd.DataFrame(
        {"label": [0, 1], "patient": ["a", "b"], "x": [1, 2], "y": [3, 4], "pixels": [5, 6]}
    ).astype({"pixels": "uint64"})
    mark = fingerprint(index)
    assert len(mark) == 16
    assert fingerprint(index.copy()) == mark
    for column, values in {
        "label": [1, 1],
        "patient": ["a", "c"],
        "x": [1, 3],
        "y": [3, 5],
        "pixels": np.array([5, 7], np.uint64),
    }.items():
        assert fingerprint(index.assign(**{column: values})) != mark
    assert fingerprint(index.iloc[::-1]) != mark
