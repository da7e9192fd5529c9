"""Predictions on slides of 6 x 6 places."""

import numpy as np
import pandas as pd


def predictions(count: int = 36, seed: int = 0) -> pd.DataFrame:
    """One slide of 6 x 6 places for each 36 patches."""
    rng = np.random.default_rng(seed)
    place = np.arange(count) % 36
    label = (place % 6 >= 3).astype(np.int64)
    score = np.clip(rng.normal(0.3 + 0.4 * label, 0.25), 0, 1)
    return pd.DataFrame(
        {
            "patient": (np.arange(count) // 36).astype(str),
            "x": 1 + 50 * (place % 6),
            "y": 1 + 50 * (place // 6),
            "label": label,
            "score": score,
            "predicted": (score >= 0.5).astype(np.int64),
            "checks": np.where(place == 0, "glass,ink", np.where(place == 7, "ink", "")),
            "mean_r": rng.uniform(100, 250, count),
            "mean_g": rng.uniform(60, 240, count),
            "mean_b": rng.uniform(90, 245, count),
            "saturation": rng.random(count),
        }
    )
