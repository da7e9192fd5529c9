"""Alternative texts and captions of a run's figures."""

from idc.reports.figure_gallery import FigureGallery, FigureText
from idc.reports.run_input import RunReport

FOLDERS = ("evaluation", "training", "explain", "explain/slides", "data")
EXPLAIN = "explain/"
KINDS = ("FN", "FP", "TP", "TN")


def run_gallery(report: RunReport) -> FigureGallery:
    """The figures in the run's folder."""
    texts = _shared() | (_two(report) if report.two_classes else _many())
    return FigureGallery(report.figures, FOLDERS, texts)


def attributions(gallery: FigureGallery) -> list[str]:
    """The names of the attribution figures: for two classes, those of errors first."""
    names = gallery.names(EXPLAIN)
    kinds = [f"{EXPLAIN}{kind}" for kind in KINDS]
    if any(name in names for name in kinds):
        return [name for name in kinds if name in names]
    return [name for name in names if name.endswith(("_right", "_wrong"))]


def _shared() -> dict[str, FigureText]:
    return {
        "evaluation/per_patient": FigureText(
            "Recall and specificity of each test patient",
            "Each test patient separately. Results for a new patient may be as low as for the "
            "worst one here.",
        ),
        "evaluation/slices": FigureText(
            "Errors in slices of the test split",
            "Results on slices of the test patches, such as pale or dark ones, or those with a "
            "finding of the data check. Whiskers are intervals, which are wide for slices with few "
            "patches.",
        ),
        "evaluation/risk_coverage": FigureText(
            "Error rate against the share of patches decided",
            "From left to right the model decides more of the patches, the most certain first. If "
            "the line rises to the right, the errors are among the uncertain patches.",
        ),
        "evaluation/best_and_worst": FigureText(
            "The best and the worst test predictions as patches",
            "The most confident predictions, correct and wrong.",
        ),
        "training/learning_curves": FigureText(
            "Loss and metrics over the epochs of training",
            "Each epoch on training and validation patches. If training improves and validation "
            "does not, the model overfits.",
        ),
        "explain/methods": FigureText(
            "Attribution methods compared by their gain over random maps, with a verdict each",
            "The methods side by side, the most faithful first. A gain above zero means that the "
            "maps mark relevant pixels better than chance.",
        ),
        "explain/measures": FigureText(
            "Attribution methods compared: weights check, stability, weight on the patch's edge",
            "Further checks of each method. A similarity beyond the dashed line means that its "
            "maps hardly depend on the trained weights.",
        ),
        "explain/curves": FigureText(
            "Insertion and deletion curves of each method and of random maps",
            "The probability as the marked pixels are removed or inserted, compared with random "
            "maps of the same smoothness.",
        ),
        "explain/weights_check": FigureText(
            "Similarity of the maps as the weights are shuffled, from the head to the first layer",
            "From left to right more layers are shuffled. A map that stays the same depends on "
            "the patch, not on the model.",
        ),
        "explain/evidence": FigureText(
            "Patches called positive, with the regions that contribute most",
            "Lines surround the areas that hold at least a tenth of the map's weight each. All "
            "regions are in explain/evidence/ as GeoJSON, to be opened over the slide.",
        ),
        "explain/embedding": FigureText(
            "Embedding of the test patches, coloured by label, patient and score",
            "Each dot is a test patch, close to those with similar features. If dots of a patient "
            "cluster, the features depend on the patient's stain as well as on the tissue.",
        ),
        "explain/exciting": FigureText(
            "Patches that activate single units of the network most",
            "Each row is a unit: the test patches with the highest activation, and where it is.",
        ),
        "explain/filters": FigureText(
            "Filters of the first layer", "The filters of the first layer."
        ),
        "data/class_balance": FigureText(
            "Patches and patients of each class in each split",
            "Number of patches and patients of each class in each split.",
        ),
        "data/sample_patches": FigureText(
            "Some training patches of each class",
            "Random training patches.",
        ),
        "data/augmented_patches": FigureText(
            "Training patches and augmented variants",
            "Each row is one training patch and augmented variants of it.",
        ),
    }


def _two(report: RunReport) -> dict[str, FigureText]:
    yes, no = report.positive, report.negative
    return {
        "evaluation/confusion_matrix": FigureText(
            "Confusion matrix: labels against decisions",
            f"The test patches in four cells. Rows are labels, columns decisions: missed {yes} and "
            "false alarms are the two cells off the diagonal. Next to it, the same at a threshold "
            "of 0.5.",
        ),
        "evaluation/roc": FigureText(
            "ROC curve: recall against the share of false alarms",
            "Recall (up) and false alarms (right) of each possible threshold. The dot is the "
            "chosen threshold, the dotted line is guessing.",
        ),
        "evaluation/precision_recall": FigureText(
            "Precision-recall curve",
            f"Recall (right) of each possible threshold, and the share of patches called {yes} "
            f"that are {yes} (up).",
        ),
        "evaluation/threshold_curve": FigureText(
            "Recall, specificity and F1 against the threshold, on validation",
            "The metrics at each threshold, on the validation patches on which it was chosen. "
            "Lower thresholds miss fewer patches, higher ones raise fewer false alarms.",
        ),
        "evaluation/reliability": FigureText(
            "Reliability diagram: scores against the observed share of positives",
            f"Patches are grouped by score. On the diagonal the score equals the share of {yes} in "
            f"the group; below it, the scores are too high. Two lines are before and after "
            f"calibration.",
        ),
        "evaluation/burden": FigureText(
            f"Share of {yes} patches of each patient: labelled against called",
            f"One mark per patient: the share of its patches labelled {yes}, and the share called "
            "so. On the diagonal both shares agree, not necessarily on the same patches.",
        ),
        "explain/FN": FigureText(
            f"Attribution maps of {yes} patches that were missed",
            f"Missed {yes}: evidence for {yes} and against it.",
        ),
        "explain/FP": FigureText(
            "Attribution maps of false alarms",
            f"False alarms: why patches labelled {no} were called {yes}.",
        ),
        "explain/TP": FigureText(
            f"Attribution maps of {yes} patches that were detected", f"Detected {yes}."
        ),
        "explain/TN": FigureText(
            f"Attribution maps of patches correctly called {no}", f"Correctly called {no}."
        ),
    }


def _many() -> dict[str, FigureText]:
    return {
        "evaluation/confusion_matrix": FigureText(
            "Confusion matrix: labels against decisions",
            "Rows are labels, columns decisions. Patches off the diagonal were misclassified.",
        ),
        "evaluation/roc": FigureText(
            "ROC curves, each class against the rest",
            "Each class against all others: recall (up) and false alarms (right) of each threshold "
            "on its probability.",
        ),
        "evaluation/precision_recall": FigureText(
            "Precision-recall curves, each class against the rest",
            "Each class against all others: recall (right) of each threshold on its probability, "
            "and the share of correct predictions (up).",
        ),
        "evaluation/reliability": FigureText(
            "Reliability diagram: probabilities against the observed share of correct decisions",
            "On the diagonal the probability equals the share of correct decisions; below it, the "
            "model is overconfident.",
        ),
    }
