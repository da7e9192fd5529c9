"""The effect of smoothing over neighbouring patches; measured and shown, not applied."""

from idc.attribution.pipeline.step import StepResult, Task
from idc.attribution.select import NAMED
from idc.plots.smoothing_effect import smoothing_figure
from idc.reports.smoothing_words import effect_sentences
from idc.runtime.drawing import Drawing
from idc.slides.smoothing import effect_of_smoothing, make_smoothers

TABLE, FIGURE, WORDS = "smoothing.csv", "smoothing.png", "smoothing.txt"
HEADLINES = 2  # sentences shown with those of the run; the rest are in the file


def show_smoothing(task: Task) -> StepResult:
    """The effect of smoothing on validation, by the run's own rule for the threshold."""
    options, subject = task.node("smoothing"), task.subject
    if task.selection.what in NAMED or not options.get("use"):
        return StepResult()  # it concerns the run, not the named patches
    val = subject.predictions[subject.predictions["split"] == "val"].reset_index(drop=True)
    strengths = {
        kind: values for kind, values in (options.get("strengths") or {}).items() if values
    }
    if not strengths or subject.choose is None or val["label"].nunique() < 2:
        return StepResult()
    effect = effect_of_smoothing(
        val,
        subject.test,
        subject.patch_size,
        subject.choose,
        make_smoothers(strengths),
        options["draws"],
        seed=task.options["seed"],
    )
    sentences = effect_sentences(effect, str(subject.class_names[1]))
    effect.table.to_csv(task.folder / TABLE, index=False, float_format="%.6g")
    (task.folder / WORDS).write_text("\n".join(sentences) + "\n", encoding="utf-8")
    best = effect.table[effect.table["chosen"]].iloc[0]
    metrics = {
        "smoothing_log_loss_difference": float(best["difference"]),
        "smoothing_recall_difference": float(best["recall_difference"]),
    }
    drawing = Drawing(
        task.folder / FIGURE, smoothing_figure, {"table": effect.table, "patients": effect.patients}
    )
    return StepResult([drawing], sentences[:HEADLINES], metrics)
