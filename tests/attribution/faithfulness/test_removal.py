"""Pixels in the order of a map, and what they are replaced with."""

import numpy as np
import pytest

from idc.attribution.faithfulness.removal import filled, pixel_ranks


def test_pixels_of_the_same_value_follow_their_surroundings() -> None:
    maps = np.zeros((2, 9, 9))
    maps[0, 8, 8] = 1
    maps[1] = np.arange(81).reshape(9, 9)
    ranks = pixel_ranks(maps)
    assert ranks[0, 80] == 0
    assert set(ranks[0, [79, 71]]) == {1, 2}  # beside it
    assert ranks[0, 0] == 80
    assert ranks[1].tolist() == list(range(81))[::-1]


@pytest.mark.parametrize("kind", ["blur", "white", "grey", "black", "mean"])
def test_what_pixels_are_replaced_with(kind: str) -> None:
    images = np.random.default_rng(0).random((2, 3, 20, 20), np.float32)
    found = filled(images, kind)  # type: ignore[arg-type]
    assert found.shape == images.shape
    assert found.dtype == np.float32
    want = {"white": 1.0, "grey": 0.5, "black": 0.0}.get(kind)
    if want is not None:
        assert (found == want).all()
    else:
        assert np.allclose(found.mean((2, 3)), images.mean((2, 3)), atol=0.05)
        assert found.std((2, 3)).max() < 0.3 * images.std((2, 3)).min()
