"""What is published of the data sets that models are trained on."""

from collections.abc import Mapping
from dataclasses import dataclass

from idc.reports.run_input import RunReport

SYNTHETIC = "synthetic"


@dataclass(frozen=True)
class DataSet:
    """What is published of a data set.

    Attributes:
        name: Its name.
        about: What it is, in sentences.
        labels: What its labels are worth, in a sentence.
        sources: What to cite, as its makers ask.
        tags: For searching.
    """

    name: str
    about: str
    labels: str = "The labels are people's judgement; the model is judged by it, right or wrong."
    sources: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()


HISTOPATHOLOGY = ("histopathology", "breast-cancer")
DATA_SETS: Mapping[str, DataSet] = {
    "idc": DataSet(
        "Breast Histopathology Images",
        "Patches of 50x50 pixels, cut from H&E-stained whole slide images of breast tissue, "
        "labelled by whether they lie in a region that a pathologist outlined as invasive ductal "
        "carcinoma.",
        "The labels are a pathologist's outlines, cut into squares: patches on an outline may be "
        "labelled wrongly, and the model is judged by them.",
        (
            "A. Cruz-Roa et al., Automatic detection of invasive ductal carcinoma in whole slide "
            "images with convolutional neural networks, SPIE Medical Imaging 2014.",
            "A. Janowczyk and A. Madabhushi, Deep learning for digital pathology image analysis: "
            "A comprehensive tutorial with selected use cases, Journal of Pathology Informatics "
            "2016.",
        ),
        HISTOPATHOLOGY,
    ),
    "synthetic": DataSet(
        "Synthetic H&E patches",
        "Patches that a program drew, to look like H&E-stained tissue. They show no patient, and "
        "results on them say nothing of real tissue.",
        "The labels say what was drawn: they are free of the doubt that real ones have.",
        (),
        ("synthetic",),
    ),
}


def data_set(report: RunReport) -> DataSet:
    """What the model was trained on: what is published of it, or its name."""
    choice = str(report.setting("choices.data") or "unnamed data")
    return DATA_SETS.get(choice) or DataSet(choice, "Images in patches, a class each.")
