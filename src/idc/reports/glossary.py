"""The terms of the pages, explained to somebody who knows tissue, not statistics."""

import pandas as pd

from idc.reports.blocks import Fold, Table

TERMS = {
    "patch": "A small square cut out of the image of a slide. The model judges one patch at a "
    "time and sees nothing around it.",
    "label": "What the data set says a patch shows. It comes from people, who are not free of "
    "error: a 'mistake' of the model may be one of the label.",
    "score": "A number from 0 to 1 that the model gives a patch; the higher, the more it speaks "
    "for the class.",
    "threshold": "The score from which on a patch is called positive. A lower one misses less and "
    "raises more false alarms.",
    "recall (sensitivity)": "Of the patches that are positive, the share that was found.",
    "specificity": "Of the patches that are negative, the share that was rightly left alone.",
    "precision": "Of the patches that were called positive, the share that is. It depends on how "
    "frequent the positive patches are in the data.",
    "F1": "Recall and precision in one number, their harmonic mean: high only if both are.",
    "balanced accuracy": "The mean of recall and specificity: 0.5 is what guessing reaches.",
    "AUROC": "The chance that a positive patch, drawn by lot, gets a higher score than a negative "
    "one. 0.5 is guessing, 1 is perfect. It depends on no threshold.",
    "average precision": "The precision, averaged over all thresholds. What guessing reaches is "
    "the share of positive patches.",
    "macro": "The mean over the classes, each counted alike, however rare it is.",
    "calibration": "Whether scores are what they say: of the patches with a score of 0.8, about "
    "80 in 100 should be positive.",
    "expected calibration error": "How far, on average, the scores lie from the share of positive "
    "patches among those with such a score. 0 is best.",
    "Brier score": "The mean squared distance of score and truth. 0 is best.",
    "log loss": "A penalty for scores that are sure and wrong. 0 is best.",
    "interval": "Where the number would likely lie if other patients like these had been tested "
    "on. It knows nothing of other hospitals, stains or scanners.",
    "bootstrap": "A way to find an interval: the test patients are drawn again and again, with "
    "repeats, and the number is worked out for each draw.",
    "validation and test": "Patients are divided: some to learn from, some (validation) to choose "
    "the threshold by, some (test) to judge by. The test patients decide nothing.",
    "leak": "When a patient's patches are in both splits: the model is then asked what "
    "it has already been told.",
    "baseline": "A rule simple enough to need no network. A model that does not beat it has not "
    "shown that it sees more.",
    "selective prediction": "Leaving the patches that the model is least sure of to a person.",
    "attribution": "A map of the pixels that spoke for or against a decision. It shows what moved "
    "the score, not why, and can mislead.",
}


def glossary() -> Fold:
    """The terms, shut until they are asked for."""
    frame = pd.DataFrame({"term": list(TERMS), "meaning": list(TERMS.values())})
    return Fold("What the words mean", [Table(frame)])
