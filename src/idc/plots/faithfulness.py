"""How faithful attribution methods are: measures, curves, shuffled weights, several models."""

from idc.plots.faithfulness_curves import curves_figure, randomisation_figure
from idc.plots.faithfulness_marks import MARKS
from idc.plots.faithfulness_matrix import faithfulness_matrix_figure
from idc.plots.faithfulness_methods import methods_figure

__all__ = [
    "MARKS",
    "curves_figure",
    "faithfulness_matrix_figure",
    "methods_figure",
    "randomisation_figure",
]
