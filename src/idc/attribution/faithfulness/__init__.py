"""Faithfulness of attribution maps: how well they agree with the behaviour of the network."""

from idc.attribution.faithfulness.measure import measure_faithfulness, work_steps
from idc.attribution.faithfulness.plan import FaithfulnessPlan
from idc.attribution.faithfulness.result import Faithfulness

__all__ = ["Faithfulness", "FaithfulnessPlan", "measure_faithfulness", "work_steps"]
