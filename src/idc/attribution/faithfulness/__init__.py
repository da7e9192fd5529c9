"""How faithful attribution maps are: what they claim, held against what the network does."""

from idc.attribution.faithfulness.measure import measure_faithfulness, work_steps
from idc.attribution.faithfulness.plan import FaithfulnessPlan
from idc.attribution.faithfulness.result import Faithfulness

__all__ = ["Faithfulness", "FaithfulnessPlan", "measure_faithfulness", "work_steps"]
