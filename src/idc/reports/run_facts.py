"""What the sentences about a run rest on, and the sentences."""

import re
from collections.abc import Mapping
from typing import Any

from idc.errors import ConfigError
from idc.metrics.threshold import ThresholdRule
from idc.reports.run_classes import class_rows
from idc.reports.run_input import RunReport
from idc.reports.templating import Sentences
from idc.text import per_cent

SELECTIVE = re.compile(r"test/(coverage_at_recall|coverage_at_error|risk_at_coverage)_([0-9.]+)")
ENOUGH = 10  # positive patches of a patient for a meaningful recall
WITH_INTERVALS = ("recall", "f1", "auroc", "accuracy")


def run_sentences(report: RunReport) -> Sentences:
    """The sentences of ``run_sentences.j2``, such as ``lead`` and ``warnings``, about a run."""
    specificity = report.interval("test/specificity")
    # Of several labels, a note of the metrics says which are missing.
    present = set(range(len(report.class_names)) if report.multi_label else report.test["label"])
    return Sentences(
        "run_sentences.j2",
        report=report,
        level=per_cent(report.setting("intervals.level") or 0.95),
        test_patients=report.test_patients,
        false_alarms=specificity and (1 - specificity[1], 1 - specificity[0]),
        auroc_interval=report.interval("test/auroc"),
        has_intervals=any(report.interval(f"test/{name}") for name in WITH_INTERVALS),
        splits=_splits(report),
        class_rows=class_rows(report),
        absent_classes=[n for i, n in enumerate(report.class_names) if i not in present],
        missed_target=_missed_target(report),
        rival=_rival(report),
        lowest_recall=_lowest_recall(report),
        marked_slices=marked_slices(report),
        selective=[
            (match[1], float(match[2]), value)
            for name in sorted(report.metrics)
            if (match := SELECTIVE.fullmatch(name)) and (value := report.value(name)) is not None
        ],
    )


def _splits(report: RunReport) -> list[tuple[str, int, int | None]]:
    """Name, patches and, if available, patients of each split that has patches."""
    totals = report.counts.groupby("split")["patches"].sum()
    return [
        (split, int(totals[split]), report.patients.get(split))
        for split in ("train", "val", "test")
        if totals.get(split)
    ]


def _missed_target(report: RunReport) -> dict[str, Any] | None:
    """The target of the threshold's rule, if the test patients miss it."""
    node = report.setting("threshold")
    if not report.two_classes or not isinstance(node, Mapping) or "rule" not in node:
        return None
    try:
        rule = ThresholdRule(node["rule"], node.get("target", ThresholdRule.target))
    except ConfigError:
        return None
    metric = f"test/{rule.rule}"
    reached = report.value(metric) if rule.has_target else None
    if reached is None or reached >= rule.target:
        return None
    interval = report.interval(metric)
    return {"metric": rule.rule, "aim": rule.target, "reached": reached, "interval": interval}


def _rival(report: RunReport) -> dict[str, Any] | None:
    """The best baseline, if its AUROC is within the model's interval or above it."""
    own, table = report.value("test/auroc"), report.baselines
    table = table.dropna(subset="auroc") if "auroc" in table else table.head(0)
    if own is None or table.empty:
        return None
    best = table.iloc[int(table["auroc"].astype(float).argmax())]
    low, _ = report.interval("test/auroc") or (own, own)
    if best["auroc"] < low:
        return None
    name = str(best["baseline"]).replace("_", " ")
    return {"name": name, "auroc": float(best["auroc"]), "own": own}


def _lowest_recall(report: RunReport) -> dict[str, Any] | None:
    """The patient with the lowest recall, and the median over the patients."""
    table = report.per_patient
    table = table.dropna(subset="recall") if "recall" in table else table.head(0)
    at_least = 0
    if {"tp", "fn"} <= set(table.columns):
        many = table[table["tp"] + table["fn"] >= ENOUGH]
        if len(many) >= 2:
            table, at_least = many, ENOUGH
    if len(table) < 2:
        return None
    recall = table["recall"].astype(float)
    return {
        "patient": table["patient"].iloc[int(recall.argmin())],
        "recall": float(recall.min()),
        "median": float(recall.median()),
        "at_least": at_least,
    }


def marked_slices(report: RunReport) -> dict[str, list[str]]:
    """Slices, such as ``darkness: pale``, by ``worse`` and ``misses_more``, if this was tested."""
    slices = report.slices
    marks = [mark for mark in ("worse", "misses_more") if mark in slices]
    names = slices["slice"].astype(str) + ": " + slices["value"].astype(str) if marks else slices
    return {mark: names[slices[mark].eq(True)].str.replace("_", " ").tolist() for mark in marks}
