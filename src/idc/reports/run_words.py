"""Sentences about a run's results, for readers who do not read code."""

import re

from idc.reports.phrases import hundred_interval, of_hundred, patches, percent
from idc.reports.run_input import Interval, RunReport
from idc.text import count, listing

SELECTIVE = re.compile(r"test/(coverage_at_recall|coverage_at_error|risk_at_coverage)_([0-9.]+)")


def level(report: RunReport) -> str:
    """Confidence level of the run's intervals: ``95 %``."""
    return percent(report.setting("intervals.level"))


def test_patients(report: RunReport) -> int:
    """Number of patients in the test split."""
    return int(report.test["patient"].nunique())


def lead(report: RunReport) -> str:
    """Summary: detected and missed patches out of a hundred, and the size of the test split."""
    result = _of_two(report) if report.two_classes else _of_many(report)
    seen = "some of whom it may have seen before" if report.leaky else "whom the model never saw"
    return f"{result} Tested on {tested_on(report)}, {seen}."


def tested_on(report: RunReport) -> str:
    """Size of the test split: ``300 patches of 2 patients``."""
    return f"{patches(len(report.test))} of {count(test_patients(report), 'patient')}"


def _of_two(report: RunReport) -> str:
    recall, specificity = report.value("test/recall"), report.value("test/specificity")
    parts = []
    if recall is not None:
        bounds = hundred_interval(report.interval("test/recall"), level(report))
        parts.append(
            f"Of 100 patches labelled {report.positive} it detected {of_hundred(recall)}{bounds}."
        )
    if specificity is not None:
        bounds = hundred_interval(_turned(report.interval("test/specificity")), level(report))
        parts.append(
            f"Of 100 labelled {report.negative} it wrongly called {of_hundred(1 - specificity)} "
            f"{report.positive}{bounds}."
        )
    return " ".join(parts) or "Recall and specificity are undefined."


def _of_many(report: RunReport) -> str:
    recall, accuracy = report.value("test/recall"), report.value("test/accuracy")
    parts = []
    if recall is not None:
        bounds = hundred_interval(report.interval("test/recall"), level(report))
        parts.append(
            f"Of 100 patches of a class it classified {of_hundred(recall)} correctly{bounds}, "
            f"averaged over the {len(report.class_names)} classes."
        )
    if accuracy is not None:
        bounds = hundred_interval(report.interval("test/accuracy"), level(report))
        parts.append(f"Of 100 patches overall, {of_hundred(accuracy)} were correct{bounds}.")
    return " ".join(parts) or "Recall and accuracy are undefined."


def _turned(interval: Interval | None) -> Interval | None:
    return None if interval is None else (1 - interval[1], 1 - interval[0])


def trained_on(report: RunReport) -> str:
    """Description of the model, its training data and the use of each split."""
    name = report.setting("choices.backbone") or report.setting("backbone.name") or "a network"
    data = report.card.title
    members = report.setting("members")
    how = f" of {len(members)} models" if isinstance(members, list | tuple) and members else ""
    verb = {
        "train": f"{name} was trained on {data}",
        "evaluate": f"{name}, trained on {data}, was evaluated on other patches",
        "ensemble": f"An ensemble{how} ({name}) with averaged scores, trained on {data}",
    }[report.kind]
    splits = {
        "train": "for training",
        "val": "for choosing the best epoch and the threshold",
        "test": "for testing",
    }
    parts = []
    for split, purpose in splits.items():
        of_split = report.counts[report.counts["split"] == split]
        if total := int(of_split["patches"].sum()):
            patients = report.patients.get(split)
            who = "" if patients is None else f" of {count(patients, 'patient')}"
            parts.append(f"{patches(total)}{who} {purpose}")
    return f"{verb}{': ' if parts else ''}{listing(parts)}."


def initial_weights(report: RunReport) -> str:
    """Description of the initial weights."""
    weights = report.setting("backbone.weights")
    if weights in (None, "null"):
        return "It was trained from random weights."
    if weights == "imagenet":
        return "It was pretrained on ImageNet, a set of everyday photographs."
    return f"Its initial weights are from the file {str(weights).rpartition('/')[2]}."


def decision_rule(report: RunReport) -> str:
    """How scores are turned into decisions."""
    if not report.two_classes:
        return "The class with the highest probability is predicted."
    if report.threshold is None:
        return "Each of the models uses its own threshold, chosen on its validation split."
    words = report.threshold_words.removeprefix("the ").rstrip(".")
    chosen = f" {report.threshold:.3f} is the {words}." if words else ""
    return (
        f"A patch with a score of {report.threshold:.3f} or more is called {report.positive}."
        f"{chosen} The threshold was fixed before the test split was evaluated."
    )


def selective_prediction(report: RunReport) -> list[str]:
    """Results if a person took over the patches about which the model is least certain."""
    metrics = [
        (match[1], float(match[2]), value)
        for name in sorted(report.metrics)
        if (match := SELECTIVE.fullmatch(name)) and (value := report.value(name)) is not None
    ]
    what = f"{report.positive} patches" if report.two_classes else "patches"
    return [
        _sentence(kind, of_hundred(aim), of_hundred(value), what) for kind, aim, value in metrics
    ]


def _sentence(kind: str, aim: str, value: str, what: str) -> str:
    if kind == "risk_at_coverage":
        return f"deciding {aim} of 100 patches, the model would err in {value} of 100 of them."
    if kind == "coverage_at_error":
        quality = f"an error rate of at most {aim} in 100"
    else:
        quality = f"a recall of at least {aim} in 100 {what}"
    if value == "none":
        return f"the model could decide no patches with {quality}."
    return f"the model could decide {value} of 100 patches with {quality}."


def has_intervals(report: RunReport) -> bool:
    """Whether the metrics have intervals."""
    return any(report.interval(f"test/{name}") for name in ("recall", "f1", "auroc", "accuracy"))


def limitations(report: RunReport) -> list[str]:
    """Limitations of the results."""
    size = report.patch_size
    training = (
        f"The intervals ({report.interval_words}) cover other patients of the same kind. They do "
        "not cover the variation between trainings with different seeds."
        if has_intervals(report)
        else "There are no intervals, so the statistical uncertainty is unknown."
    )
    return [
        "For research only. It is no medical device and must not guide the care of a patient.",
        f"A patch of {size}x{size} pixels is classified on its own, without its surroundings, the "
        "patient's history and other stains.",
        report.card.labels,
        "Another scanner, stain, magnification or hospital can change the scores. The performance "
        "there is unknown without a test.",
        training,
        "Precision and F1 depend on how frequent positive patches are in these data.",
    ]
