"""Faithfulness of made-up methods."""

import numpy as np
import pandas as pd

from idc.plots.faithfulness import (
    MARKS,
)

VERDICTS = list(MARKS)


def table(count: int) -> pd.DataFrame:
    gain = np.linspace(0.3, -0.05, count)
    return pd.DataFrame(
        {
            "method": [f"method_{i}" for i in range(count)],
            "verdict": [VERDICTS[i % len(VERDICTS)] for i in range(count)],
            "drop_over_random": gain,
            "drop_over_random_low": gain - 0.05,
            "drop_over_random_high": gain + 0.05,
            "drop_over_random_white": gain + 0.1,
            "drop_over_random_white_low": gain,
            "drop_over_random_white_high": gain + 0.2,
            "drop_over_random_mean": gain - 0.1,
            "drop_over_random_mean_low": gain - 0.2,
            "drop_over_random_mean_high": gain,
            "randomisation_similarity": 0.3,
            "randomisation_low": 0.2,
            "randomisation_high": 0.4,
            "randomisation_highest": 0.6,
            "border_mass": np.linspace(0.1, 0.5, count),
            "border_area": 0.15,
            "infidelity_share": 0.8,
            "max_sensitivity": [np.nan, *[0.2] * (count - 1)],
            "pointing_game": np.nan,
            "pointing_chance": np.nan,
            "localisation": np.nan,
        }
    )
