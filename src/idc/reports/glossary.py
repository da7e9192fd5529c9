"""Glossary of the pages, for readers who know tissue, not statistics."""

import pandas as pd

from idc.reports.blocks import Fold, Table

TERMS = {
    "patch": "A small square cut out of the image of a slide. The model classifies each patch on "
    "its own, without its surroundings.",
    "label": "The class of a patch according to the data set. Labels are made by people, who make "
    "errors: an 'error' of the model may be one of the label.",
    "score": "A number from 0 to 1 that the model assigns to a patch; the higher, the more likely "
    "the class.",
    "threshold": "The score from which a patch is called positive. A lower threshold misses fewer "
    "patches and raises more false alarms.",
    "recall (sensitivity)": "Of the positive patches, the share that was detected.",
    "specificity": "Of the negative patches, the share that was called negative.",
    "precision": "Of the patches that were called positive, the share that is positive. It depends "
    "on how frequent positive patches are in the data.",
    "F1": "The harmonic mean of recall and precision: high only if both are.",
    "balanced accuracy": "The mean of recall and specificity: 0.5 for guessing.",
    "AUROC": "The probability that a random positive patch has a higher score than a random "
    "negative one. 0.5 for guessing, 1 is perfect. It does not depend on a threshold.",
    "average precision": "The precision, averaged over all thresholds. Guessing reaches the share "
    "of positive patches.",
    "macro": "The mean over the classes, with equal weight for rare ones.",
    "calibration": "Whether scores agree with observed frequencies: of the patches with a score of "
    "0.8, about 80 in 100 should be positive.",
    "expected calibration error": "The mean distance of scores from the share of positive patches "
    "among those with such a score. 0 is best.",
    "Brier score": "The mean squared distance of score and label. 0 is best.",
    "log loss": "A loss that penalises confident errors most. 0 is best.",
    "interval": "A range of plausible values of the metric for other patients like these. It does "
    "not cover other hospitals, stains or scanners.",
    "bootstrap": "A method to estimate an interval: the test patients are resampled many times, "
    "with replacement, and the metric is computed for each sample.",
    "validation and test": "Patients are split: training patients to fit the model, validation "
    "patients to choose the threshold, test patients to evaluate. No choice depends on the test "
    "patients.",
    "leak": "Patches of one patient in training and test: the model is then tested on a patient "
    "that it has learned from.",
    "baseline": "A simple model without a network. A network that does not beat it has not shown "
    "that it sees more.",
    "selective prediction": "Leaving the patches that the model is least certain about to a "
    "person.",
    "attribution": "A map of the pixels that contributed to a decision. It shows what changed the "
    "score, not why, and can mislead.",
}


def glossary() -> Fold:
    """The glossary, collapsed at first."""
    frame = pd.DataFrame({"term": list(TERMS), "meaning": list(TERMS.values())})
    return Fold("Glossary", [Table(frame)])
