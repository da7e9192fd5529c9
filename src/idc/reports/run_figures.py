"""The words of a run's figures."""

from idc.reports.figure_gallery import Gallery, Known
from idc.reports.run_input import RunReport

FOLDERS = ("evaluation", "training", "explain", "explain/slides", "data")
EXPLAIN = "explain/"
KINDS = ("FN", "FP", "TP", "TN")


def run_gallery(report: RunReport) -> Gallery:
    """The figures in the run's folder."""
    words = _shared() | (_two(report) if report.two_classes else _many())
    return Gallery(report.figures, FOLDERS, words)


def attributions(gallery: Gallery) -> list[str]:
    """The names of the attribution figures: of errors first; with many classes, as they are."""
    there = gallery.names(EXPLAIN)
    kinds = [f"{EXPLAIN}{kind}" for kind in KINDS]
    if any(name in there for name in kinds):
        return [name for name in kinds if name in there]
    return [name for name in there if name.endswith(("_right", "_wrong"))]


def _shared() -> dict[str, Known]:
    return {
        "evaluation/per_patient": Known(
            "Recall and specificity of each test patient",
            "Each test patient by itself. A model is only as good as it is on the next patient, "
            "so look at the worst ones and at how far they lie apart.",
        ),
        "evaluation/slices": Known(
            "Errors in parts of the test split",
            "How it does in parts of the test patches, such as pale or dark ones, or those with "
            "a finding of the data check. Whiskers are intervals; a part with few patches has "
            "wide ones.",
        ),
        "evaluation/risk_coverage": Known(
            "Share of errors against the share of patches decided",
            "From left to right the model decides more and more of the patches, the surest first. "
            "If the line rises to the right, the model's errors are among those it is unsure of.",
        ),
        "evaluation/best_and_worst": Known(
            "The best and the worst test predictions as patches",
            "The patches that it was surest of, rightly and wrongly.",
        ),
        "training/learning_curves": Known(
            "Loss and metrics over the epochs of training",
            "How training went, epoch by epoch, on the patches it learnt from and on the "
            "validation patches. Where the first gets better and the second does not, it learns by "
            "heart.",
        ),
        "explain/methods": Known(
            "Attribution methods compared: gain over random maps, weights check, stability",
            "The methods side by side, those to trust first. Right of zero a method's maps mark "
            "what the score rests on better than chance; a likeness beyond the dashed line means "
            "that the maps hardly depend on what was learnt.",
        ),
        "explain/curves": Known(
            "Insertion and deletion curves of each method and of random maps",
            "The probability as the pixels that a map marks are taken out or put in, against "
            "random maps that are as smooth.",
        ),
        "explain/weights_check": Known(
            "Likeness of the maps as the weights are shuffled, from the head to the first layer",
            "From left to right more of the network is shuffled. A map that stays the same shows "
            "the patch, not the model.",
        ),
        "explain/evidence": Known(
            "Patches called positive with the regions that the call rests on",
            "Numbered regions hold the most of the map's weight. They are in "
            "explain/evidence/ as GeoJSON too, to be opened over the slide.",
        ),
        "explain/smoothing": Known(
            "What smoothing over neighbouring patches would do on validation",
            "Neighbours on the slide could vote. What that would change on validation; no number "
            "of this page uses it.",
        ),
        "explain/embedding": Known(
            "The test patches as the network orders them, by label, patient and score",
            "Each dot is a test patch, near those that the network finds alike. Where dots of a "
            "patient lie together, it sees the patient's stain as well as the tissue.",
        ),
        "explain/exciting": Known(
            "Patches that most excite single units of the network",
            "Each row is a unit: the test patches to which it responds most, and where.",
        ),
        "explain/filters": Known("Filters of the first layer", "What the first layer looks for."),
        "data/class_balance": Known(
            "Patches and patients of each class in each split",
            "How many patches and patients of each class were in each split.",
        ),
        "data/sample_patches": Known(
            "Some training patches of each class",
            "Training patches, drawn by lot.",
        ),
        "data/augmented_patches": Known(
            "Training patches and what augmentation made of them",
            "What the model saw in training: each row is one patch and variants of it, turned and "
            "recoloured, so that it does not learn the stain by heart.",
        ),
    }


def _two(report: RunReport) -> dict[str, Known]:
    yes, no = report.positive, report.negative
    return {
        "evaluation/confusion_matrix": Known(
            "Confusion matrix: labels against decisions",
            f"The test patches in four cells. Rows are labels, columns decisions: missed {yes} and "
            "false alarms are the two cells off the diagonal. Beside it, the same at a threshold "
            "of 0.5.",
        ),
        "evaluation/roc": Known(
            "ROC curve: recall against the share of false alarms",
            "What each possible threshold would find (up) and how many false alarms it would "
            "cost (right). The dot is the threshold that was chosen. The dotted line is guessing.",
        ),
        "evaluation/precision_recall": Known(
            "Precision-recall curve",
            f"What each possible threshold would find (right) and how many of its calls would be "
            f"{yes} (up).",
        ),
        "evaluation/threshold_curve": Known(
            "Recall, specificity and F1 against the threshold, on validation",
            "What moves when the threshold moves, on the validation patches on which it was "
            "chosen. To the left less is missed, to the right there are fewer false alarms.",
        ),
        "evaluation/reliability": Known(
            "Reliability diagram: scores against the observed share of positives",
            f"Patches are sorted into groups of like score. On the diagonal the score is the "
            f"share of {yes} in the group; below it, the scores are too high. Where there "
            "are two lines, they are before and after calibration.",
        ),
        "evaluation/burden": Known(
            f"Share of {yes} patches of each patient: labelled against called",
            f"A mark a patient: the share of its patches that are labelled {yes}, and the share "
            "that the model called so. On the diagonal both agree, though not of necessity on "
            "the same patches.",
        ),
        "explain/FN": Known(
            f"Attribution maps of {yes} patches that were missed",
            f"Missed {yes}: what spoke for {yes}, and what against it.",
        ),
        "explain/FP": Known(
            "Attribution maps of false alarms",
            f"False alarms: what made it call {yes} what is labelled {no}.",
        ),
        "explain/TP": Known(
            f"Attribution maps of {yes} patches that were found", f"{yes} that was found."
        ),
        "explain/TN": Known(
            f"Attribution maps of patches rightly called {no}", f"Rightly called {no}."
        ),
    }


def _many() -> dict[str, Known]:
    return {
        "evaluation/confusion_matrix": Known(
            "Confusion matrix: labels against decisions",
            "Rows are labels, columns decisions. What is off the diagonal was taken for another "
            "class.",
        ),
        "evaluation/roc": Known(
            "ROC curves, each class against the rest",
            "Each class against all others: what a threshold on its probability would find (up) "
            "and how many false alarms it would cost (right).",
        ),
        "evaluation/precision_recall": Known(
            "Precision-recall curves, each class against the rest",
            "Each class against all others: what a threshold on its probability would find "
            "(right), and how many of those calls would be right (up).",
        ),
        "evaluation/reliability": Known(
            "Reliability diagram: probabilities against the observed share of right decisions",
            "On the diagonal the probability is the share of right decisions; below it, the model "
            "is too sure.",
        ),
    }
