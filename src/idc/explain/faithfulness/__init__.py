"""How faithful attribution maps are: what they claim, held against what the network does."""

from idc.explain.faithfulness.measure import measure_faithfulness, work_steps
from idc.explain.faithfulness.plan import FaithfulnessPlan
from idc.explain.faithfulness.result import Faithfulness

__all__ = ["Faithfulness", "FaithfulnessPlan", "measure_faithfulness", "work_steps"]
