"""Measures of every patch: colour, colourless glass, ink, and hashes."""

import hashlib

import cv2
import imagehash
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import Image

from idc.data.index import LABELS, POSITION, WEIGHT

# Levels of 0..255; found by looking at the extremes of the real set.
WHITE = 220  # every channel at least this: glass, light through nothing
COLOURLESS = 20  # largest minus smallest channel below this: no stain
# Hues (OpenCV's, 0..179) and saturation that neither haematoxylin nor eosin has: from yellow and
# brown over green to light blue.
INK_LOW, INK_HIGH = (15, 60, 0), (115, 255, 255)
COLOURS = ("mean_r", "mean_g", "mean_b", "std_r", "std_g", "std_b")
SHARES = ("saturation", "white", "grey", "colourless", "ink")
HASHES = ("pixels", "perceptual")


def measure(patches: NDArray[np.uint8]) -> pd.DataFrame:
    """Measure patches.

    Args:
        patches: uint8 (n, P, P, 3), RGB.

    Returns:
        One row per patch. float32: `COLOURS`, mean and standard deviation of each channel in
        0..255; ``saturation``, its mean in [0, 1]; and the shares of pixels, in [0, 1], that are
        ``white``, ``grey`` (colourless but not white), ``colourless`` and ``ink``. Then uint64:
        ``pixels``, a hash that is equal for equal pixels only, and ``perceptual``, the difference
        hash of imagehash, whose bits change little when a patch does.
    """
    count, size = patches.shape[0], patches.shape[1]
    tall = np.ascontiguousarray(patches).reshape(count * size, size, 3)
    red, green, blue = cv2.split(tall)
    top = cv2.max(cv2.max(red, green), blue)
    bottom = cv2.min(cv2.min(red, green), blue)
    white = cv2.compare(bottom, WHITE, cv2.CMP_GE)
    colourless = cv2.compare(cv2.subtract(top, bottom), COLOURLESS, cv2.CMP_LT)
    hsv = cv2.cvtColor(tall, cv2.COLOR_RGB2HSV)
    shares = {
        "saturation": cv2.extractChannel(hsv, 1),
        "white": white,
        "grey": cv2.bitwise_and(colourless, cv2.bitwise_not(white)),
        "colourless": colourless,
        "ink": cv2.inRange(hsv, np.array(INK_LOW), np.array(INK_HIGH)),
    }
    light = cv2.cvtColor(tall, cv2.COLOR_RGB2GRAY).reshape(count, size, size)
    columns = {name: _means(values, count) / 255 for name, values in shares.items()}
    spread = [np.concatenate(cv2.meanStdDev(patch)).ravel() for patch in patches]
    table = np.asarray(spread, np.float32).reshape(count, len(COLOURS))
    measured = pd.DataFrame(table, columns=list(COLOURS)).assign(**columns)
    return measured.astype(np.float32).assign(
        pixels=pixel_hashes(patches),
        perceptual=np.fromiter(map(_difference_hash, light), np.uint64, count),
    )


def pixel_hashes(patches: NDArray[np.uint8]) -> NDArray[np.uint64]:
    """A hash of each patch's pixels: blake2b, uint64 (n,)."""
    digests = (hashlib.blake2b(patch.tobytes(), digest_size=8).digest() for patch in patches)
    return np.frombuffer(b"".join(digests), "<u8").astype(np.uint64)


def _means(values: "cv2.typing.MatLike", count: int) -> NDArray[np.float32]:
    flat = values.reshape(count, -1)
    return np.asarray(cv2.reduce(flat, 1, cv2.REDUCE_AVG, dtype=cv2.CV_32F), np.float32).ravel()


def _difference_hash(light: NDArray[np.uint8]) -> int:
    bits = imagehash.dhash(Image.fromarray(light)).hash
    return int.from_bytes(np.packbits(bits).tobytes(), "little")


def fingerprint(index: pd.DataFrame) -> str:
    """Digest of labels, patients, positions and pixels: the same data give the same 16 hex digits.

    Args:
        index: The index with `measure`'s ``pixels``; positions and weights count where the set has
            them.
    """
    names = ("label", LABELS, "patient", *POSITION, WEIGHT, "pixels")
    facts = index[[name for name in names if name in index]]
    digest = hashlib.blake2b(digest_size=8)
    digest.update(pd.util.hash_pandas_object(facts, index=False).to_numpy().tobytes())
    return digest.hexdigest()
