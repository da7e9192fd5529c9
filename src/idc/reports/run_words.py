"""What a run's numbers say, in sentences for people who read no code."""

import re

from idc.reports.phrases import hundred_interval, listing, of_hundred, patches, percent
from idc.reports.run_input import Interval, RunReport
from idc.text import count

SHARED = re.compile(r"test/(coverage_at_recall|coverage_at_error|risk_at_coverage)_([0-9.]+)")


def level(report: RunReport) -> str:
    """The level of the run's intervals: ``95 %``."""
    return percent(report.setting("intervals.level"))


def test_patients(report: RunReport) -> int:
    """Patients in the test split."""
    return int(report.test["patient"].nunique())


def lead(report: RunReport) -> str:
    """What the model found and missed, of a hundred, and on whom that was decided."""
    found = _of_two(report) if report.two_classes else _of_many(report)
    seen = "some of whom it may have seen before" if report.leaky else "whom the model never saw"
    return f"{found} Decided on {tested(report)}, {seen}."


def tested(report: RunReport) -> str:
    """How much there was to test on: ``300 patches of 2 patients``."""
    return f"{patches(len(report.test))} of {count(test_patients(report), 'patient')}"


def _of_two(report: RunReport) -> str:
    recall, specificity = report.value("test/recall"), report.value("test/specificity")
    parts = []
    if recall is not None:
        bounds = hundred_interval(report.interval("test/recall"), level(report))
        parts.append(
            f"Of 100 patches labelled {report.positive} it found {of_hundred(recall)}{bounds}."
        )
    if specificity is not None:
        bounds = hundred_interval(_turned(report.interval("test/specificity")), level(report))
        parts.append(
            f"Of 100 labelled {report.negative} it called {of_hundred(1 - specificity)} "
            f"{report.positive} by mistake{bounds}."
        )
    return " ".join(parts) or "What it found and missed is not known."


def _of_many(report: RunReport) -> str:
    recall, accuracy = report.value("test/recall"), report.value("test/accuracy")
    parts = []
    if recall is not None:
        bounds = hundred_interval(report.interval("test/recall"), level(report))
        parts.append(
            f"Of 100 patches of a class it named {of_hundred(recall)} rightly{bounds}, averaged "
            f"over the {len(report.class_names)} classes."
        )
    if accuracy is not None:
        bounds = hundred_interval(report.interval("test/accuracy"), level(report))
        parts.append(f"Of 100 patches as they come, {of_hundred(accuracy)} were right{bounds}.")
    return " ".join(parts) or "What it named rightly is not known."


def _turned(interval: Interval | None) -> Interval | None:
    return None if interval is None else (1 - interval[1], 1 - interval[0])


def trained_on(report: RunReport) -> str:
    """What was trained on what, and what each split was for."""
    name = report.setting("choices.backbone") or report.setting("backbone.name") or "a network"
    data = report.card.title
    members = report.setting("members")
    how = f" of {len(members)} models" if isinstance(members, list | tuple) and members else ""
    verb = {
        "train": f"{name} was trained on {data}",
        "evaluate": f"{name}, trained before on {data}, was tried on other patches",
        "ensemble": f"An ensemble{how} ({name}), whose scores are averaged, on {data}",
    }[report.kind]
    splits = {
        "train": "to learn from",
        "val": "to choose the best epoch and the threshold by",
        "test": "to judge by",
    }
    parts = []
    for split, purpose in splits.items():
        of_split = report.counts[report.counts["split"] == split]
        if total := int(of_split["patches"].sum()):
            known = report.patients.get(split)
            who = "" if known is None else f" of {count(known, 'patient')}"
            parts.append(f"{patches(total)}{who} {purpose}")
    return f"{verb}{': ' if parts else ''}{listing(parts)}."


def start(report: RunReport) -> str:
    """Where the weights began."""
    weights = report.setting("backbone.weights")
    if weights in (None, "null"):
        return "Its weights began at random."
    if weights == "imagenet":
        return "Its weights began from ImageNet: everyday photographs."
    return f"Its weights began from the file {str(weights).rpartition('/')[2]}."


def decision(report: RunReport) -> str:
    """How a score becomes a decision."""
    if not report.two_classes:
        return "The class with the highest probability is taken."
    if report.threshold is None:
        return "Each of the models decided at its own threshold, chosen in its validation split."
    words = report.threshold_words.removeprefix("the ").rstrip(".")
    chosen = f" {report.threshold:.3f} is the {words}." if words else ""
    return (
        f"A patch with a score of {report.threshold:.3f} or more is called {report.positive}."
        f"{chosen} The threshold was fixed before the test split was looked at."
    )


def shared_work(report: RunReport) -> list[str]:
    """What the model could do by itself, if a person took the patches it is least sure of."""
    named = [
        (found[1], float(found[2]), value)
        for name in sorted(report.metrics)
        if (found := SHARED.fullmatch(name)) and (value := report.value(name)) is not None
    ]
    what = f"{report.positive} patches" if report.two_classes else "patches"
    return [_division(kind, of_hundred(aim), of_hundred(value), what) for kind, aim, value in named]


def _division(kind: str, aim: str, value: str, what: str) -> str:
    if kind == "risk_at_coverage":
        return f"deciding {aim} of 100 patches, it would be wrong in {value} of 100 of them."
    if kind == "coverage_at_error":
        well = f"be wrong in no more than {aim} of 100 of them"
    else:
        well = f"find at least {aim} of 100 {what} among them"
    if value == "none":
        return f"there are no patches that it could decide by itself, and {well}."
    return f"it could decide {value} of 100 patches by itself, and {well}."


def has_intervals(report: RunReport) -> bool:
    """Whether the metrics have intervals."""
    return any(report.interval(f"test/{name}") for name in ("recall", "f1", "auroc", "accuracy"))


def limits(report: RunReport) -> list[str]:
    """What the numbers do not say."""
    size = report.patch_size
    training = (
        f"The intervals ({report.interval_words}) speak of other patients of the same kind. They "
        "do not hold what another training with another seed would change."
        if has_intervals(report)
        else "There are no intervals: how far chance reaches is not known."
    )
    return [
        "For research only. It is no medical device and must not guide the care of a patient.",
        f"A patch of {size}x{size} pixels is judged by itself. What lies around it, the "
        "patient's history and other stains are not seen.",
        report.card.labels,
        "Another scanner, stain, magnification or hospital can change the scores. Without a test "
        "there, nothing is known of it.",
        training,
        "Precision and F1 hang on how frequent positive patches are in these data.",
    ]
