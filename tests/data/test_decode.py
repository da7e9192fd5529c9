import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from idc.data.decode import UnreadableError, decode, fit_square


def png(image: np.ndarray) -> bytes:
    return cv2.imencode(".png", image)[1].tobytes()


PATCH = np.random.default_rng(0).integers(0, 256, (50, 50, 3), dtype=np.uint8)


def test_decodes_rgb() -> None:
    assert (decode(png(PATCH[:, :, ::-1])).patch == PATCH).all()


@pytest.mark.parametrize("cut", [0, 7, 40, 400, -30, -12, -1])
def test_refuses_every_truncation(cut: int) -> None:
    with pytest.raises(UnreadableError):
        decode(png(PATCH)[:cut] if cut else b"")


def test_refuses_flipped_bits() -> None:
    data = bytearray(png(PATCH))
    data[len(data) // 2] ^= 0xFF
    with pytest.raises(UnreadableError):
        decode(bytes(data))


def test_refuses_text() -> None:
    with pytest.raises(UnreadableError, match="no image"):
        decode(b"not an image at all")


@pytest.mark.parametrize(
    ("image", "mode"),
    [
        (PATCH[:, :, 0], "8-bit grey"),
        (PATCH.astype(np.uint16) * 257, "16-bit RGB"),
        (np.dstack([PATCH, PATCH[:, :, :1]]), "8-bit RGBA"),
        (PATCH[:, :, 0].astype(np.uint16), "16-bit grey"),
    ],
)
def test_odd_modes_are_converted_and_told(image: np.ndarray, mode: str) -> None:
    found = decode(png(image))
    assert found.mode == mode
    assert found.patch.shape == (50, 50, 3)
    assert found.patch.dtype == np.uint8


def test_16_bit_keeps_its_high_byte_and_alpha_shows_white() -> None:
    deep = decode(png(PATCH[:, :, ::-1].astype(np.uint16) * 257))
    assert (deep.patch == PATCH).all()
    clear = np.dstack([PATCH, np.zeros((50, 50), np.uint8)])
    assert (decode(png(clear)).patch == 255).all()


@given(
    height=st.integers(1, 80),
    width=st.integers(1, 80),
    size=st.integers(8, 64),
    edge=st.sampled_from(["pad", "resize"]),
)
def test_every_shape_becomes_square(height: int, width: int, size: int, edge: str) -> None:
    patch = np.full((height, width, 3), 77, np.uint8)
    out = fit_square(patch, size, edge)
    assert out.shape == (size, size, 3)
    assert (out == 77).all()


def test_padding_keeps_the_patch_in_its_corner() -> None:
    out = fit_square(PATCH[:42], 50, "pad")
    assert (out[:42] == PATCH[:42]).all()
    assert (out[42:] == PATCH[41:33:-1]).all()
