"""Images in a page are those that were saved, as small as they may be."""

import base64
import re
from pathlib import Path

import cv2
import numpy as np
import pytest
from run_cases import save_png

from idc.reports.picture import LOSSLESS, WEBP_LIMIT, Figures, encode_picture, read_picture


def noise(side: int = 90) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (side, side, 3), dtype=np.uint8)


def test_an_image_survives_without_loss(tmp_path: Path) -> None:
    pixels = noise()[:20, :30]
    cv2.imwrite(str(tmp_path / "a.png"), pixels[:, :, ::-1])
    for image in (encode_picture(pixels), read_picture(tmp_path / "a.png")):
        head, data = image.uri.split(",")
        assert re.fullmatch(r"data:image/(webp|png);base64", head)
        decoded = cv2.imdecode(np.frombuffer(base64.b64decode(data), np.uint8), 1)[:, :, ::-1]
        assert np.array_equal(decoded, pixels)
        assert (image.width, image.height) == (30, 20)


def test_loss_makes_a_photograph_smaller(tmp_path: Path) -> None:
    sizes = [len(encode_picture(noise(), quality).data) for quality in (40, LOSSLESS)]
    assert sizes[0] < sizes[1] / 2
    save_png(tmp_path / "noisy.png", noisy=True)
    whole = (tmp_path / "noisy.png").stat().st_size
    image = read_picture(tmp_path / "noisy.png")
    assert len(image.data) < whole / 2
    assert (image.width, image.height) == (500, 500)
    assert len(read_picture(tmp_path / "noisy.png", 10).data) < len(image.data)


def test_an_image_too_long_for_webp_is_still_an_image() -> None:
    image = encode_picture(np.zeros((WEBP_LIMIT + 1, 2, 3), np.uint8))
    assert image.mime == "image/png"
    assert image.data


def test_a_file_that_is_no_image_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"no image at all")
    with pytest.raises(ValueError, match="is not an image"):
        read_picture(tmp_path / "a.png")


def test_each_figure_is_shown_once(tmp_path: Path) -> None:
    for name in ("one", "sub/two", "sub/three", "elsewhere/four"):
        save_png(tmp_path / f"{name}.png")
    (tmp_path / "broken.png").write_bytes(b"no image")
    figures = Figures(tmp_path, "", "sub")
    assert figures.names() == ["broken", "one", "sub/three", "sub/two"]
    assert figures.names("sub/") == ["sub/three", "sub/two"]
    assert figures.take("sub/two")
    assert figures.take("sub/two") is None
    assert [name for name, _ in figures.rest()] == ["one", "sub/three"]
    assert figures.names() == []
