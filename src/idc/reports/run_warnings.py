"""Warnings at the top of a run's page."""

from collections.abc import Mapping

from idc.errors import ConfigError
from idc.metrics.resampling import FEW_PATIENTS
from idc.metrics.threshold import ThresholdRule
from idc.reports.phrases import hundred_interval, interval_text, number, of_hundred
from idc.reports.run_input import RunReport
from idc.reports.run_tables import baseline_table
from idc.reports.run_words import level, test_patients
from idc.text import count, listing


def warnings(report: RunReport) -> list[str]:
    """Warnings that a reader must know before any result."""
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
        "The results are too optimistic: the model may have been trained on patients that it was "
        "tested on. They say nothing about new patients.",
        *report.leaks,
    ]


def _drawn(report: RunReport) -> list[str]:
    if not report.drawn:
        return []
    return [
        "The patches are synthetic, to try out the method. The results say nothing about real "
        "tissue."
    ]


def _few(report: RunReport) -> list[str]:
    patients = test_patients(report)
    if patients >= FEW_PATIENTS:
        return []
    return [
        f"Only {count(patients, 'patient')} to test on. As patients differ more than patches do, "
        "the results for other patients are very uncertain."
    ]


def _missing_class(report: RunReport) -> list[str]:
    present = set(report.test["label"])
    lacking = [str(n) for i, n in enumerate(report.class_names) if i not in present]
    if not lacking:
        return []
    return [f"The test split has no patch of {listing(lacking)}: some metrics cannot be computed."]


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
        what = f"to detect {aim} of 100 {report.positive} patches"
        on_test = f"on the test patients it detects {now}{bounds}"
    else:
        what = f"so that {aim} of 100 patches called {report.positive} are labelled so"
        on_test = f"on the test patients {now} are{bounds}"
    return [
        f"The target was missed: the threshold was chosen {what}, which was reached on the "
        f"validation patients; {on_test}."
    ]


def _rule(report: RunReport) -> ThresholdRule | None:
    """The rule by which the threshold was chosen; None if the configuration has none."""
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
            f"Worse than guessing: the interval of the AUROC ({interval_text(bounds)}) is below "
            "0.5. Check whether the classes are swapped, or the test patients unlike the others."
        ]
    return [
        f"Guessing is not ruled out: the interval of the AUROC ({interval_text(bounds)}) contains "
        "0.5, the level of chance."
    ]


def _baseline(report: RunReport) -> list[str]:
    own, table = report.value("test/auroc"), baseline_table(report)
    defined = table[table["auroc"].notna()] if "auroc" in table else table.head(0)
    if own is None or defined.empty:
        return []
    areas = defined["auroc"].to_numpy(float)
    best, at = float(areas.max()), int(areas.argmax())
    bounds = report.interval("test/auroc") or (own, own)
    if best < bounds[0]:
        return []
    name = str(defined["baseline"].iloc[at]).replace("_", " ")
    within = "" if best > own else f" (interval {interval_text(bounds)})"
    return [
        f"A simple baseline is as good: {name}, without a network, reaches an AUROC of "
        f"{number(best)}, the model {number(own)}{within}. There is no evidence that the model "
        "sees more than the baseline."
    ]
