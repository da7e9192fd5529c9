"""Synthetic H&E patches: tissue that is drawn, so that the truth is known.

A patch is mixed from two stains in optical density (Beer-Lambert), with the reference stain
vectors of Macenko et al. (2009), shifted a little for every patient. Benign patches hold stroma,
small nuclei (spindle-shaped or round, sparse, sometimes dense lymphocytes), gaps and glass;
tumour patches hold nests of larger, uneven, irregular nuclei. The amount of each stain overlaps
between the classes, so that colour alone does not tell them apart: size, shape and arrangement do.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from idc.errors import ConfigError

HAEMATOXYLIN = np.array([0.5626, 0.7201, 0.4062], np.float32)
EOSIN = np.array([0.2159, 0.8012, 0.5581], np.float32)
SMALLEST = 16  # side of a patch in which tissue can be drawn
TILE = 256  # side of a patient's noise tiles
SHIFT = 4  # fractional bits of drawn coordinates: sixteenths of a pixel
Image = NDArray[np.float32]
Point = Sequence[float] | NDArray[np.float64]


@dataclass(frozen=True)
class SyntheticSpec:
    """What to draw.

    Attributes:
        patients: Number of patients, >= 1.
        patches_per_patient: Patches of each, >= 4.
        patch_size: Side in pixels, >= 16.
        positive_fraction: Share of tumour patches on average over patients, in (0, 1).
        seed: Everything follows from it.
    """

    patients: int = 12
    patches_per_patient: int = 200
    patch_size: int = 50
    positive_fraction: float = 0.35
    seed: int = 0

    def __post_init__(self) -> None:
        if self.patch_size < SMALLEST:
            raise ConfigError(f"data.patch_size={self.patch_size}: give {SMALLEST} or more.")


def make_index(spec: SyntheticSpec) -> pd.DataFrame:
    """Positions and labels of all patches, without drawing any.

    A smooth field over each slide decides where tissue is, another where the tumour is, so both
    are coherent regions.

    Returns:
        ``patient`` (int), ``x``, ``y`` (int64, the patch's corner in pixels), ``label`` (int64,
        0 or 1); every patient has both classes.
    """
    parts = []
    for patient in range(spec.patients):
        rng = np.random.default_rng((spec.seed, patient, 0))
        side = int(np.ceil(np.sqrt(1.6 * spec.patches_per_patient)))
        ramp = np.linspace(-1, 1, side)
        outline = _smooth_field(rng, side) - 1.5 * np.hypot(*np.meshgrid(ramp, ramp))
        places = np.sort(np.argsort(-outline.ravel())[: spec.patches_per_patient])
        spread = 0.5 * min(spec.positive_fraction, 1 - spec.positive_fraction)
        share = rng.uniform(-spread, spread) + spec.positive_fraction
        positives = int(np.clip(round(share * len(places)), 1, len(places) - 1))
        tumour = _smooth_field(rng, side).ravel()[places]
        label = np.zeros(len(places), np.int64)
        label[np.argsort(-tumour)[:positives]] = 1
        rows, columns = np.divmod(places, side)
        corner = int(rng.integers(1, 400))
        part = pd.DataFrame({"patient": patient, "label": label})
        part["x"] = (columns * spec.patch_size + corner).astype(np.int64)
        part["y"] = (rows * spec.patch_size + corner).astype(np.int64)
        parts.append(part)
    return pd.concat(parts, ignore_index=True)


def render(spec: SyntheticSpec, index: pd.DataFrame) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """Draw patches; each depends on the spec and its own row alone.

    Args:
        spec: What to draw.
        index: Rows of `make_index`, any of them in any order.

    Returns:
        Patches, uint8 (n, P, P, 3), RGB, and the place of the signal, bool (n, P, P): the tumour
        nuclei, empty for label 0.
    """
    size = spec.patch_size
    patches = np.empty((len(index), size, size, 3), np.uint8)
    signal = np.zeros((len(index), size, size), bool)
    slides: dict[int, _Slide] = {}
    columns = (index[name].tolist() for name in ("patient", "x", "y", "label"))
    for i, (patient, x, y, label) in enumerate(zip(*columns, strict=True)):
        if patient not in slides:
            slides[patient] = _Slide(spec, patient)
        patches[i], signal[i] = slides[patient].draw(x, y, label)
    return patches, signal


class _Slide:
    """One patient's stain and textures."""

    def __init__(self, spec: SyntheticSpec, patient: int) -> None:
        self.spec = spec
        self.patient = patient
        rng = np.random.default_rng((spec.seed, patient, 1))
        self.h = _unit(HAEMATOXYLIN + rng.normal(0, 0.05, 3).astype(np.float32))
        self.e = _unit(EOSIN + rng.normal(0, 0.05, 3).astype(np.float32))
        self.h_strength = float(1.0 + rng.uniform(-0.2, 0.2))
        self.e_strength = float(1.0 + rng.uniform(-0.25, 0.25))
        noise = rng.normal(size=(3, TILE, TILE)).astype(np.float32)
        # Fibres: noise drawn out along one direction.
        self.fibres = _standard(cv2.GaussianBlur(noise[0], (0, 0), sigmaX=6, sigmaY=1.2))
        self.cloud = _standard(cv2.GaussianBlur(noise[1], (0, 0), 5))
        self.grain = _standard(cv2.GaussianBlur(noise[2], (0, 0), 0.8))

    def draw(self, x: int, y: int, label: int) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
        size = self.spec.patch_size
        rng = np.random.default_rng((self.spec.seed, self.patient, 2, x, y))
        fibres, cloud, grain = (self._crop(t, rng) for t in (self.fibres, self.cloud, self.grain))
        if rng.random() < 0.5:
            fibres = fibres.T
        eosin = 0.42 + 0.11 * fibres + 0.10 * cloud + rng.normal(0, 0.09)
        haematoxylin = np.full((size, size), max(0.03, 0.10 + rng.normal(0, 0.05)), np.float32)
        draw = self._tumour if label else self._benign
        nuclei, core = draw(rng, size)
        haematoxylin += nuclei * (1 + 0.22 * grain)
        eosin *= 1 - 0.5 * np.clip(nuclei, 0, 1)
        gaps = self._gaps(rng, size, label)
        tissue = (1 - gaps)[..., None]
        density = (
            haematoxylin[..., None] * self.h * self.h_strength
            + np.clip(eosin, 0, None)[..., None] * self.e * self.e_strength
        ) * tissue
        light = 243.0 * np.exp(-1.35 * density) + rng.normal(0, 2.0, (size, size, 1))
        mask = (core > 0) & (gaps < 0.5) if label else np.zeros((size, size), bool)
        return np.clip(light, 0, 255).astype(np.uint8), mask

    def _crop(self, tile: Image, rng: np.random.Generator) -> Image:
        size = self.spec.patch_size
        reach = max(1, TILE - size)
        top, left = rng.integers(0, reach, 2)
        crop = tile[top : top + size, left : left + size]
        if crop.shape == (size, size):
            return crop
        return np.asarray(cv2.resize(tile, (size, size)), np.float32)

    def _benign(self, rng: np.random.Generator, size: int) -> tuple[Image, NDArray[np.uint8]]:
        """Sparse spindle nuclei, or many small round ones as in inflammation."""
        scale = (size / 50) ** 2
        if rng.random() < 0.55:
            count, radius, ratio = rng.integers(18, 46), (1.7, 2.6), (0.8, 1.0)
        else:
            count, radius, ratio = rng.integers(3, 15), (2.4, 4.2), (0.3, 0.7)
        number = int(count * scale)
        centres = rng.uniform(0, size, (number, 2))
        angle = rng.uniform(0, 180) + rng.normal(0, 18, number)
        return _nuclei(rng, size, centres, radius, ratio, angle, (0.55, 0.95))

    def _tumour(self, rng: np.random.Generator, size: int) -> tuple[Image, NDArray[np.uint8]]:
        """Nests of large, uneven nuclei that crowd one another."""
        nests = int(rng.integers(1, 4))
        heart = rng.uniform(0.1, 0.9, (nests, 2)) * size
        count = int(rng.integers(4, 13) * (size / 50) ** 2)
        centres = heart[rng.integers(0, nests, count)] + rng.normal(0, size / 6, (count, 2))
        angle = rng.uniform(0, 180, count)
        return _nuclei(rng, size, centres, (2.8, 5.8), (0.6, 1.0), angle, (0.4, 1.05))

    def _gaps(self, rng: np.random.Generator, size: int, label: int) -> Image:
        """Glass: lumina and fat in either class, almost whole patches of it among the benign."""
        gaps = np.zeros((size, size), np.uint8)
        if not label and rng.random() < 0.06:
            edge = rng.uniform(0.1, 0.5) * size
            gaps[:, int(edge) :] = 255
        elif rng.random() < 0.3:
            for _ in range(int(rng.integers(1, 3))):
                centre, axes = rng.uniform(0, size, 2), rng.uniform(3, 10, 2) * size / 50
                _draw_ellipse(gaps, centre, axes, rng.uniform(0, 180), 255)
        soft = cv2.GaussianBlur(gaps, (0, 0), 0.9)
        return np.asarray(soft, np.float32) * np.float32(1 / 255)


def _nuclei(
    rng: np.random.Generator,
    size: int,
    centres: NDArray[np.float64],
    radius: tuple[float, float],
    ratio: tuple[float, float],
    angles: NDArray[np.float64],
    strength: tuple[float, float],
) -> tuple[Image, NDArray[np.uint8]]:
    """Optical density of nuclei, float (P, P), and where they are, uint8 (P, P)."""
    count = len(centres)
    density = np.zeros((size, size), np.uint8)
    long = rng.uniform(*radius, count) * size / 50
    short = long * rng.uniform(*ratio, count)
    value = (255 * rng.uniform(*strength, count) / 1.2).astype(int)
    for i in range(count):
        _draw_ellipse(density, centres[i], (long[i], short[i]), angles[i], int(value[i]))
    soft = cv2.GaussianBlur(density, (0, 0), 0.7)
    return np.asarray(soft, np.float32) * (1.2 / 255), density


def _smooth_field(rng: np.random.Generator, side: int) -> Image:
    noise = rng.normal(size=(side, side)).astype(np.float32)
    return _standard(cv2.GaussianBlur(noise, (0, 0), max(1.0, side / 7)))


def _standard(field: object) -> Image:
    values = np.asarray(field, np.float32)
    return np.asarray((values - values.mean()) / values.std(), np.float32)


def _unit(vector: NDArray[np.float32]) -> NDArray[np.float32]:
    positive = np.clip(vector, 0.02, None)
    return np.asarray(positive / np.linalg.norm(positive), np.float32)


def _draw_ellipse(
    image: NDArray[np.uint8], centre: Point, axes: Point, angle: float, value: int
) -> None:
    """Fill an ellipse; lengths in pixels, the angle in degrees."""
    x, y, long, short = (int(length * 2**SHIFT) for length in (*centre, *axes))
    turn = float(angle)
    cv2.ellipse(image, (x, y), (long, short), turn, 0, 360, value, -1, cv2.LINE_AA, SHIFT)
