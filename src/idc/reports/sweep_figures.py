"""The words of a comparison's figures."""

from idc.reports.figure_gallery import Gallery, Known
from idc.reports.phrases import metric_name
from idc.reports.run_input import SweepReport

FOLDER = "comparison"


def sweep_gallery(report: SweepReport) -> Gallery:
    """The figures of a comparison, in its own folder or one level up."""
    inside = report.figures / FOLDER
    root = inside if inside.is_dir() else report.figures
    words = {**WORDS, "leaderboard": _board(report)}
    for path in sorted(root.glob("*.png")):
        for kind, of_metric in BY_METRIC.items():
            if path.stem.startswith(f"{kind}_"):
                rest = path.stem.removeprefix(f"{kind}_")
                name = metric_name(rest.removeprefix("test_"))
                words[path.stem] = Known(f"{of_metric.alt}: {name}", f"{name}. {of_metric.caption}")
        if path.stem.startswith("fold_learning_curves_"):
            setting = path.stem.removeprefix("fold_learning_curves_").replace("_", " ")
            words[path.stem] = Known(f"Learning curves of each fold: {setting}", f"{setting}.")
    return Gallery(root, ("",), words)


def of_kind(gallery: Gallery, kind: str) -> list[str]:
    """The names of the figures of a kind of which there is one a metric or setting."""
    return gallery.names(f"{kind}_")


def _board(report: SweepReport) -> Known:
    return Known(
        "The metrics of each setting",
        f"Each setting: {report.value_words}. Settings whose intervals overlap widely may not "
        "differ at all.",
    )


BY_METRIC = {
    "critical_difference": Known(
        "Settings on a line by rank, those that cannot be told apart joined",
        "Settings in order; those that a bar joins cannot be told apart on these patients.",
    ),
    "differences": Known(
        "Differences between settings with their intervals",
        "How far two settings lie apart. An interval that holds 0 leaves open which is better.",
    ),
}
WORDS = {
    "methods": Known(
        "Attribution methods against settings: gain over random maps and verdict",
        "Whether each method's maps can be trusted, for each setting. Hatched cells failed the "
        "check with shuffled weights: those maps show the patch, not the model.",
    ),
    "roc": Known(
        "ROC curves of the settings",
        "What each possible threshold would find (up) and how many false alarms it would cost "
        "(right). The dotted line is guessing.",
    ),
    "precision_recall": Known(
        "Precision-recall curves of the settings",
        "What each possible threshold would find (right) and how many of its calls would be right "
        "(up).",
    ),
    "confusion_matrices": Known(
        "Confusion matrices of the runs",
        "Rows are labels, columns decisions; what is off the diagonal is wrong.",
    ),
    "fold_metrics": Known(
        "Metrics of each fold",
        "Each fold by itself: other patients are tested each time, so folds differ even for the "
        "same setting.",
    ),
    "learning_size": Known(
        "Metrics against the number of training patients",
        "The same model with more and more patients to learn from. If the line still rises at the "
        "right, more patients would help.",
    ),
}
