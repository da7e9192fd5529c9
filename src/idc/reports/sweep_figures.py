"""Alternative texts and captions of a comparison's figures."""

from idc.reports.figure_gallery import FigureGallery, FigureText
from idc.reports.formats import metric_name
from idc.reports.run_input import SweepReport

FOLDER = "comparison"


def sweep_gallery(report: SweepReport) -> FigureGallery:
    """The figures of a comparison, in its own folder or one level up."""
    inside = report.figures / FOLDER
    root = inside if inside.is_dir() else report.figures
    texts = {**TEXTS, "leaderboard": _board(report)}
    for path in sorted(root.glob("*.png")):
        for kind, of_metric in BY_METRIC.items():
            if path.stem.startswith(f"{kind}_"):
                rest = path.stem.removeprefix(f"{kind}_")
                name = metric_name(rest.removeprefix("test_"))
                texts[path.stem] = FigureText(
                    f"{of_metric.alt}: {name}", f"{name}. {of_metric.caption}"
                )
        if path.stem.startswith("fold_learning_curves_"):
            setting = path.stem.removeprefix("fold_learning_curves_").replace("_", " ")
            texts[path.stem] = FigureText(f"Learning curves of each fold: {setting}", f"{setting}.")
    return FigureGallery(root, ("",), texts)


def of_kind(gallery: FigureGallery, kind: str) -> list[str]:
    """The names of the figures of a kind, of which there is one per metric or setting."""
    return gallery.names(f"{kind}_")


def _board(report: SweepReport) -> FigureText:
    return FigureText(
        "The metrics of each setting",
        f"Each setting: {report.value_label}. Settings whose intervals overlap widely may not "
        "differ at all.",
    )


BY_METRIC = {
    "critical_difference": FigureText(
        "Critical-difference diagram: settings by rank, joined if not significantly different",
        "Settings in order; those joined by a bar do not differ significantly on these patients.",
    ),
    "differences": FigureText(
        "Differences between settings with their intervals",
        "Pairwise differences of settings. If an interval contains 0, either may be better.",
    ),
}
TEXTS = {
    "methods": FigureText(
        "Attribution methods against settings: gain over random maps and verdict",
        "Whether each method's maps are faithful, for each setting. Hatched cells failed the check "
        "with shuffled weights: those maps depend on the patch, not on the model.",
    ),
    "roc": FigureText(
        "ROC curves of the settings",
        "Recall (up) and false alarms (right) of each possible threshold. The dotted line is "
        "guessing.",
    ),
    "precision_recall": FigureText(
        "Precision-recall curves of the settings",
        "Recall (right) and precision (up) of each possible threshold.",
    ),
    "confusion_matrices": FigureText(
        "Confusion matrices of the runs",
        "Rows are labels, columns decisions; patches off the diagonal are misclassified.",
    ),
    "fold_metrics": FigureText(
        "Metrics of each fold",
        "Each fold separately: as each tests other patients, folds differ even for the same "
        "setting.",
    ),
    "learning_size": FigureText(
        "Metrics against the number of training patients",
        "The same model with more and more training patients. If the line still rises at the "
        "right, more patients would help.",
    ),
}
