"""Pyramids: a pixel of the file is a pixel of the slide, on every level, in little memory."""

import tracemalloc
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import shapely
import tifffile

from idc.errors import DataError
from idc.slides.geojson import tumour_features
from idc.slides.pyramid import write_map_pyramid, write_pyramid
from idc.slides.stitch import stitch

RNG = np.random.default_rng(0)
PATCHES = RNG.integers(0, 250, (6, 50, 50, 3), dtype=np.uint8)


def levels_of(path: Path) -> list[np.ndarray]:
    with tifffile.TiffFile(path) as file:
        assert file.is_ome
        assert len(file.series) == 1
        for page in (file.pages[0], *(file.pages[0].pages or ())):
            assert page.is_tiled
            assert page.compression == tifffile.COMPRESSION.ADOBE_DEFLATE
        return [level.asarray() for level in file.series[0].levels]


def test_patches_lie_at_their_slide_coordinates(tmp_path: Path) -> None:
    x, y = np.array([1, 231, 1031, 700]), np.array([501, 240, 1, 612])
    rows = np.array([5, 0, 2, 3])
    write_pyramid(tmp_path / "a.ome.tif", PATCHES, rows, x, y, 50)
    full, half, last = levels_of(tmp_path / "a.ome.tif")
    assert full.shape == (662, 1081, 3)
    assert half.shape == (331, 540, 3)
    assert last.shape == (165, 270, 3)  # the first whose longer side is below 512
    covered = np.zeros(full.shape[:2], bool)
    for row, left, top in zip(rows, x, y, strict=True):
        assert np.array_equal(full[top : top + 50, left : left + 50], PATCHES[row])
        covered[top : top + 50, left : left + 50] = True
    assert (full[~covered] == 255).all()


def test_each_level_is_the_mean_of_the_one_below(tmp_path: Path) -> None:
    x, y = RNG.integers(0, 2100, 40), RNG.integers(0, 1100, 40)
    rows = RNG.integers(0, 6, 40)
    write_pyramid(tmp_path / "a.ome.tif", PATCHES, rows, x, y, 50, shape=(1203, 2151), tile=128)
    levels = levels_of(tmp_path / "a.ome.tif")
    assert [level.shape[:2] for level in levels] == [
        (1203, 2151),
        (601, 1075),
        (300, 537),
        (150, 268),
    ]
    for below, above in pairwise(levels):
        height, width = above.shape[:2]
        blocks = below[: 2 * height, : 2 * width].reshape(height, 2, width, 2, 3)
        assert np.abs(above - blocks.mean((1, 3))).max() <= 0.5


def test_later_patches_cover_earlier_and_others_are_resized(tmp_path: Path) -> None:
    flat = np.stack([np.full((20, 20, 3), v, np.uint8) for v in (10, 20)])
    x, y = np.array([0, 5]), np.array([0, 5])
    write_pyramid(
        tmp_path / "a.ome.tif", flat, np.arange(2), x, y, 40, empty=(228, 231, 235), tile=16
    )
    (image,) = levels_of(tmp_path / "a.ome.tif")
    assert image.shape == (45, 45, 3)
    assert (image[5:45, 5:45] == 20).all()
    assert (image[:5, :40] == 10).all()
    assert image[2, 43].tolist() == [228, 231, 235]


def test_the_metadata_name_the_size_of_a_pixel_and_nothing_else(tmp_path: Path) -> None:
    where = np.array([100])
    for name in ("a", "b"):
        path = tmp_path / f"{name}.ome.tif"
        write_pyramid(path, PATCHES, where * 0, where, where, 50, pixel_size=0.25, name="slide")
    assert (tmp_path / "a.ome.tif").read_bytes() == path.read_bytes()
    with tifffile.TiffFile(path) as file:
        (image,) = [tifffile.xml2dict(file.ome_metadata)["OME"]["Image"]]
        page = file.pages[0]
        assert page.resolution[0] == pytest.approx(1e4 / 0.25)
        assert page.resolutionunit == tifffile.RESUNIT.CENTIMETER
        assert page.photometric == tifffile.PHOTOMETRIC.RGB
    assert image["Name"] == "slide"
    pixels = image["Pixels"]
    assert (pixels["SizeX"], pixels["SizeY"], pixels["SizeC"]) == (150, 150, 3)
    assert pixels["PhysicalSizeX"] == pixels["PhysicalSizeY"] == 0.25
    assert pixels["PhysicalSizeXUnit"] == "µm"
    assert pixels["Type"] == "uint8"
    assert [p.name for p in tmp_path.iterdir() if "part" in p.name] == []


def test_the_polygons_lie_right_upon_the_pixels(tmp_path: Path) -> None:
    frame = pd.DataFrame({"x": [101, 151, 401], "y": [251, 301, 51], "score": 0.9, "label": 0})
    frame["patient"] = "a"
    frame["predicted"] = [1, 1, 0]
    x, y = frame["x"].to_numpy(), frame["y"].to_numpy()
    black = np.zeros((1, 50, 50, 3), np.uint8)
    called = np.flatnonzero(frame["predicted"] == 1)
    write_pyramid(tmp_path / "a.ome.tif", black, called * 0, x[called], y[called], 50)
    (image,) = levels_of(tmp_path / "a.ome.tif")
    (feature,) = tumour_features(frame, 50, "IDC")
    region = shapely.geometry.shape(feature["geometry"])
    rows, columns = np.indices(image.shape[:2])
    inside = shapely.contains_xy(region, columns + 0.5, rows + 0.5)
    assert np.array_equal(inside, image[..., 0] == 0)


def test_a_large_sparse_slide_needs_little_memory(tmp_path: Path) -> None:
    side = 8_200  # 202 MB as an array
    x, y = RNG.integers(0, side - 50, (2, 30))
    tracemalloc.start()
    try:
        write_pyramid(
            tmp_path / "a.ome.tif",
            PATCHES,
            np.arange(30) % 6,
            x,
            y,
            50,
            shape=(side, side),
        )
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 25e6
    with tifffile.TiffFile(tmp_path / "a.ome.tif") as file:
        levels = file.series[0].levels
        assert [level.shape[0] for level in levels] == [8200, 4100, 2050, 1025, 512, 256]
        small = levels[4].asarray()
    assert (small[y // 16 + 1, x // 16 + 1] < 250).any(1).all()
    assert (small == 255).mean() > 0.9


def test_a_map_keeps_its_values_and_lies_on_the_slide(tmp_path: Path) -> None:
    x, y = np.array([101, 151, 301]), np.array([601, 601, 651])
    maps = RNG.normal(size=(3, 10, 10)).astype(np.float32)
    made = stitch(maps, x, y, 50, 10)
    path = tmp_path / "m.ome.tif"
    write_map_pyramid(path, made.values, made.left, made.top, made.scale, shape=(800, 900))
    full, half = levels_of(path)
    assert full.dtype == np.float32
    assert full.shape == (800, 900)
    expected = np.kron(made.values, np.ones((5, 5)))
    assert np.array_equal(full[601:701, 101:351], expected, equal_nan=True)
    assert np.isfinite(full).sum() == 3 * 2500
    # Half of what is there, not darkened by the nothing beside it.
    assert half.shape == (400, 450)
    assert np.nanmax(half) <= np.nanmax(full)
    assert half[325, 152] == pytest.approx(np.nanmean(full[650:652, 304:306]))
    assert half[300, 50] == pytest.approx(full[601, 101])


def test_a_grid_of_probabilities_is_a_map_too(tmp_path: Path) -> None:
    grid = np.array([[0.25, np.nan], [0.5, 0.75]])
    write_map_pyramid(tmp_path / "p.ome.tif", grid, 7, 3, 50, pixel_size=1.0, tile=64)
    (full,) = levels_of(tmp_path / "p.ome.tif")
    assert full.shape == (103, 107)
    assert (full[3:53, 7:57] == 0.25).all()
    assert (full[53:, 57:] == 0.75).all()
    assert np.isnan(full[:3]).all()
    assert np.isnan(full[3:53, 57:]).all()
    with tifffile.TiffFile(tmp_path / "p.ome.tif") as file:
        pixels = tifffile.xml2dict(file.ome_metadata)["OME"]["Image"]["Pixels"]
    assert (pixels["Type"], pixels["SizeC"], pixels["PhysicalSizeY"]) == ("float", 1, 1.0)


def test_what_lies_outside_is_refused(tmp_path: Path) -> None:
    path, zero, one = tmp_path / "a.ome.tif", np.array([0]), np.array([-1])
    with pytest.raises(DataError, match="outside"):
        write_pyramid(path, PATCHES, zero, one, zero, 50)
    with pytest.raises(DataError, match="outside"):
        write_pyramid(path, PATCHES, zero, zero, zero, 50, shape=(49, 50))
    with pytest.raises(DataError, match="no patch"):
        write_pyramid(path, PATCHES, zero[:0], zero[:0], zero[:0], 50)
    with pytest.raises(DataError, match="outside"):
        write_map_pyramid(path, np.ones((2, 2)), 0, 0, 50, shape=(100, 99))
    with pytest.raises(DataError, match="cannot write"):
        write_pyramid(tmp_path / "no" / "a.ome.tif", PATCHES, zero, zero, zero, 50)
    assert list(tmp_path.iterdir()) == []
