"""What a reader of a run must know before any number."""

from collections.abc import Mapping

from idc.errors import ConfigError
from idc.metrics.resampling import FEW_PATIENTS
from idc.metrics.threshold import ThresholdRule
from idc.reports.phrases import between, hundred_interval, listing, number, of_hundred
from idc.reports.run_input import RunReport
from idc.reports.run_tables import baseline_table
from idc.reports.run_words import level, test_patients
from idc.text import count


def warnings(report: RunReport) -> list[str]:
    """What a reader must know before any number."""
    return [
        *_leak(report),
        *_drawn(report),
        *_few(report),
        *_missing_class(report),
        *_target(report),
        *_chance(report),
        *_baseline(report),
    ]


def _leak(report: RunReport) -> list[str]:
    if not report.leaky:
        return list(report.leaks)
    return [
        "The numbers are too good: the model may have seen patients that it was tested on, and "
        "remembers them. They say nothing of new patients.",
        *report.leaks,
    ]


def _drawn(report: RunReport) -> list[str]:
    if not report.drawn:
        return []
    return [
        "The patches were drawn by a program, to try the method out. Nothing here says how it "
        "does on real tissue."
    ]


def _few(report: RunReport) -> list[str]:
    patients = test_patients(report)
    if patients >= FEW_PATIENTS:
        return []
    return [
        f"Only {count(patients, 'patient')} to test on. Patients differ more than patches do: how "
        "far the numbers are from those of other patients is hardly known."
    ]


def _missing_class(report: RunReport) -> list[str]:
    present = set(report.test["label"])
    lacking = [str(n) for i, n in enumerate(report.class_names) if i not in present]
    if not lacking:
        return []
    return [f"The test split holds no patch of {listing(lacking)}: some numbers cannot be had."]


def _target(report: RunReport) -> list[str]:
    rule = _rule(report)
    if rule is None or not rule.has_target:
        return []
    reached = report.value(f"test/{rule.rule}")
    if reached is None or reached >= rule.target:
        return []
    aim, now = of_hundred(rule.target), of_hundred(reached)
    bounds = hundred_interval(report.interval(f"test/{rule.rule}"), level(report))
    if rule.rule == "recall":
        what = f"to find {aim} of 100 {report.positive} patches"
        there = f"of those of the test patients it finds {now}{bounds}"
    else:
        what = f"so that {aim} of 100 patches called {report.positive} are labelled so"
        there = f"on the test patients {now} are{bounds}"
    return [
        f"The aim was missed: the threshold was set {what}, which held on the validation "
        f"patients; {there}."
    ]


def _rule(report: RunReport) -> ThresholdRule | None:
    """How the threshold was chosen; None where the configuration does not say."""
    node = report.setting("threshold")
    if not report.two_classes or not isinstance(node, Mapping) or "rule" not in node:
        return None
    try:
        return ThresholdRule(node["rule"], node.get("target", ThresholdRule.target))
    except ConfigError:
        return None


def _chance(report: RunReport) -> list[str]:
    bounds = report.interval("test/auroc")
    if bounds is None or bounds[0] > 0.5:
        return []
    if bounds[1] < 0.5:
        return [
            f"Worse than guessing: the interval of the AUROC ({between(bounds)}) lies below 0.5. "
            "Are the classes the wrong way round, or the test patients unlike the others?"
        ]
    return [
        f"Guessing is not ruled out: the interval of the AUROC ({between(bounds)}) holds 0.5, "
        "which is what chance reaches."
    ]


def _baseline(report: RunReport) -> list[str]:
    own, table = report.value("test/auroc"), baseline_table(report)
    known = table[table["auroc"].notna()] if "auroc" in table else table.head(0)
    if own is None or known.empty:
        return []
    areas = known["auroc"].to_numpy(float)
    best, at = float(areas.max()), int(areas.argmax())
    bounds = report.interval("test/auroc") or (own, own)
    if best < bounds[0]:
        return []
    name = str(known["baseline"].iloc[at]).replace("_", " ")
    within = "" if best > own else f" (interval {between(bounds)})"
    return [
        f"A simple rule does as well: {name}, which needs no network, reaches an AUROC of "
        f"{number(best)}, the model {number(own)}{within}. That the model sees more than the rule "
        "is not shown."
    ]
