import io
import struct
import zlib

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from idc.config.schema.data import PILLOWS_LIMIT
from idc.data.decode import (
    MAX_PIXELS,
    SUFFIXES,
    Reading,
    TooLargeError,
    UnreadableError,
    decode,
    fit_square,
)


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


def chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def huge_png(side: int, colour: int) -> bytes:
    """The header of a PNG, and no pixels: whoever looks for them finds it damaged."""
    header = struct.pack(">IIBBBBB", side, side, 8, colour, 0, 0, 0)
    ends = chunk(b"PLTE", b"abc") + chunk(b"IDAT", b"") + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + ends


@pytest.mark.parametrize("side", [4097, 12_000, 2**31 - 1])
@pytest.mark.parametrize("colour", [2, 3])
def test_a_header_that_promises_too_many_pixels_is_believed(side: int, colour: int) -> None:
    with pytest.raises(TooLargeError):
        decode(huge_png(side, colour))


def test_the_limit_on_pixels_is_the_callers(monkeypatch: pytest.MonkeyPatch) -> None:
    assert decode(png(PATCH), 2500).patch.shape == (50, 50, 3)
    monkeypatch.delattr(cv2, "imdecode")  # nothing is decoded to find out
    with pytest.raises(TooLargeError) as caught:
        decode(png(PATCH), 2499)
    assert (caught.value.width, caught.value.height) == (50, 50)


def test_what_pillow_takes_for_an_attack_is_over_any_limit_that_can_be_set() -> None:
    assert Image.MAX_IMAGE_PIXELS == PILLOWS_LIMIT > MAX_PIXELS


@pytest.mark.parametrize("kind", sorted(set(SUFFIXES.values())))
def test_the_format_is_that_of_the_bytes(kind: str) -> None:
    stream = io.BytesIO()
    Image.fromarray(PATCH).save(stream, kind)
    found = decode(stream.getvalue())
    assert (found.format, found.mode, found.patch.shape) == (kind, "8-bit RGB", (50, 50, 3))


@pytest.mark.parametrize(
    ("mode", "kind", "words"),
    [("P", "PNG", "palette"), ("P", "BMP", "palette"), ("CMYK", "JPEG", "CMYK")],
)
def test_modes_that_the_decoder_hides_are_told(mode: str, kind: str, words: str) -> None:
    stream = io.BytesIO()
    Image.fromarray(PATCH).convert(mode).save(stream, kind)
    found = decode(stream.getvalue())
    assert (found.mode, found.format) == (words, kind)
    assert found.patch.shape == (50, 50, 3)


def test_other_formats_are_no_images() -> None:
    stream = io.BytesIO()
    Image.fromarray(PATCH).save(stream, "GIF")
    with pytest.raises(UnreadableError, match="no image in one of the formats"):
        decode(stream.getvalue())


DEEP = np.arange(2500, dtype=np.uint16).reshape(50, 50)


def tiff(*images: np.ndarray) -> bytes:
    stream = io.BytesIO()
    first, *others = [Image.fromarray(image) for image in images]
    first.save(stream, "TIFF", save_all=True, append_images=others)
    return stream.getvalue()


def test_a_window_makes_12_bits_visible_and_without_one_the_use_is_told() -> None:
    radiograph = np.rint(DEEP * (4095 / 2499)).astype(np.uint16)
    for data in (png(radiograph), tiff(radiograph)):
        dark = decode(data)
        assert (dark.mode, dark.low, dark.high) == ("16-bit grey", 0, 4095)
        assert dark.patch.max() == 16
        assert dark.used == pytest.approx(1 / 16, abs=1e-3)
        seen = decode(data, reading=Reading(window=(2047.5, 4095)))
        assert np.isnan(seen.used)
        assert len(np.unique(seen.patch)) == 256
        assert (seen.patch[..., 0] == np.rint(radiograph / 4095 * 255)).all()


def test_floating_point_is_from_0_to_1_or_needs_a_window() -> None:
    values = np.linspace(0, 1, 2500, dtype=np.float32).reshape(50, 50)
    decoded = decode(tiff(values))
    assert (decoded.mode, decoded.used) == ("32-bit float grey", 1)
    assert (decoded.patch[..., 1] == np.rint(values * 255)).all()
    assert decode(tiff(values * 300)).used == np.inf
    seen = decode(tiff(values * 300), reading=Reading(window=(150, 300)))
    assert np.abs(seen.patch.astype(int) - decoded.patch).max() <= 1


def test_a_window_leaves_8_bits_alone() -> None:
    reading = Reading(window=(10, 2))
    assert (decode(png(PATCH[:, :, ::-1]), reading=reading).patch == PATCH).all()


def test_several_pages_are_refused() -> None:
    with pytest.raises(UnreadableError, match="TIFF of 2 pages"):
        decode(tiff(PATCH, PATCH))
    assert (decode(tiff(PATCH)).patch == PATCH).all()


def test_an_image_without_a_number_is_unreadable_not_black() -> None:
    _, data = cv2.imencode(".tiff", np.full((8, 8), np.nan, np.float32))
    with pytest.raises(UnreadableError, match="NaN"):
        decode(data.tobytes())
