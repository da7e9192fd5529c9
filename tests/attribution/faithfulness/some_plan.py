"""A plan with the schema's defaults, but for some changes."""

from typing import Any

from idc.attribution.faithfulness.plan import FaithfulnessPlan


def some_plan(**changes: Any) -> FaithfulnessPlan:
    values: dict[str, Any] = {
        "patches": 24,
        "baselines": ["white", "mean"],
        "least_gain": 0.01,
        "steps": 10,
        "random_maps": 3,
        "perturbations": 10,
        "noise": 0.03,
        "radius": 0.02,
        "sensitivity_patches": 8,
        "shuffles": 1,
        "max_similarity": 0.5,
        "seed": 0,
    }
    return FaithfulnessPlan(**values | changes)
