"""The effect of smoothing over neighbouring patches; measured and shown, not applied."""

from idc.attribution.pipeline.step import Shown, Task
from idc.attribution.select import NAMED
from idc.plots.smoothing_effect import smoothing_figure
from idc.reports.smoothing_words import effect_sentences
from idc.runtime.drawing import Drawing
from idc.slides.smoothing import effect_of_smoothing, make_smoothers

TABLE, FIGURE, WORDS = "smoothing.csv", "smoothing.png", "smoothing.txt"
HEADLINES = 2  # sentences that are shown with the run's; the rest stand in the file


def show_smoothing(task: Task) -> Shown:
    """The effect of smoothing on validation, by the run's own rule for the threshold."""
    asked, subject = task.node("smoothing"), task.subject
    if task.selection.what in NAMED or not asked.get("use"):
        return Shown()  # it is about the run, not about the patches that were named
    val = subject.predictions[subject.predictions["split"] == "val"].reset_index(drop=True)
    strengths = {kind: values for kind, values in (asked.get("strengths") or {}).items() if values}
    if not strengths or subject.choose is None or val["label"].nunique() < 2:
        return Shown()
    effect = effect_of_smoothing(
        val,
        subject.test,
        subject.patch_size,
        subject.choose,
        make_smoothers(strengths),
        asked["draws"],
        seed=task.asked["seed"],
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
    return Shown([drawing], sentences[:HEADLINES], metrics)
