"""A script for `test_added_metric`: a metric added to the definitions; where it is then found.

Its own process, as the modules take the metrics' names when they are imported.
"""

import importlib.util
import io
import json
import sys
import tempfile
from contextlib import redirect_stdout
from pathlib import Path
from types import ModuleType

TESTS = Path(__file__).parents[1]
MODULE = "idc.metrics.definitions"
ADDED = """
def _mcc(counts: Counts) -> Array:
    product = counts.sum("tp fp") * counts.sum("tp fn") * counts.sum("fp tn") * counts.sum("tn fn")
    return ratio(counts.tp * counts.tn - counts.fp * counts.fn, product**0.5)


DECISION_METRICS += (
    DecisionMetric(
        "npv",
        "of the patches called {no}, the share labelled {no}",
        "share of the others not called so, mean over the classes",
        needs=(0,),
        **_share("tn", of="tn fn"),
    ),
    DecisionMetric("mcc", "Matthews' correlation", "Matthews' correlation, mean", value=_mcc),
)
"""


def add() -> None:
    """Import the definitions with the metrics of `ADDED`, as if they stood in the file."""
    spec = importlib.util.find_spec(MODULE)
    assert spec is not None
    assert spec.origin is not None
    source = Path(spec.origin).read_text()
    start = source.index("AREA_METRICS = (")
    module = ModuleType(MODULE)
    sys.modules[MODULE] = module
    exec(compile(source[:start] + ADDED + source[start:], spec.origin, "exec"), vars(module))


def places() -> dict[str, list[str]]:
    """Names of metrics in each place that shows them."""
    # After `add`, and so that the other tests' helpers are found.
    sys.path[:0] = [str(TESTS / "evaluation"), str(TESTS / "reports")]
    import torch
    from run_cases import make_run
    from test_recorded_run import decided, index, numbers

    from idc.comparison.contestant import Contestant, pool_folds
    from idc.comparison.leaderboard import leaderboard
    from idc.comparison.pooling import board_metrics, pool_numbers
    from idc.comparison.significance import compare
    from idc.config.schema.learning import MONITORS
    from idc.evaluation.baselines import SHOWN
    from idc.launch.table import print_outcome
    from idc.metrics.collection import build_metrics
    from idc.reports.model_card import card_data
    from idc.reports.run_tables import headline_table
    from idc.runtime.outcome import Outcome

    found = {"monitor": list(MONITORS), "baselines": list(SHOWN)}
    for stage, classes in (("train", 2), ("val", 3)):
        collection = build_metrics(classes, f"{stage}/")
        p = torch.rand(9, classes).softmax(1)
        collection.update(p[:, 1] if classes == 2 else p, torch.arange(9) % classes)
        found[stage] = list(collection.compute())
    tested = numbers("a")
    found |= {name: list(tested[name]) for name in ("metrics", "per_patient", "slices")}
    found |= {"risk_coverage": list(tested["risk_coverage"]), "three": list(numbers()["metrics"])}

    contestants = [Contestant(m, {"": pool_folds({"": decided(m)[0]})}, 2) for m in ("a", "b")]
    comparison = compare(contestants, draws=60)
    found["estimates"] = comparison.estimates.dropna()["metric"].tolist()
    found["tests"] = comparison.differences.dropna(subset="p")["metric"].tolist()
    outcomes = [Outcome(name, "FINISHED", settings={"run": name}) for name in ("a", "b")]
    found["leaderboard"] = list(board_metrics(leaderboard(outcomes, comparison=comparison)))
    config = {"intervals": {"draws": 60, "level": 0.95}, "report": False}
    with tempfile.TemporaryDirectory() as folder:
        pooled, _ = pool_numbers(contestants, config, Path(folder), ["no", "yes"])
        found["pooled"] = pooled.dropna()["metric"].tolist()
        report = make_run(Path(folder))
    report = type(report)(**{**vars(report), "metrics": tested["metrics"]})
    found["page"] = headline_table(report).dropna()["measure"].tolist()
    found["card"] = [one.metric_type for one in card_data(report).eval_results or ()]
    outcome = Outcome("run", metrics=tested["metrics"])
    with redirect_stdout(io.StringIO()) as printed:
        print_outcome(outcome, {}, Path())
    found["terminal"] = printed.getvalue().split()
    assert len(index("two_classes"))
    return found


if __name__ == "__main__":
    add()
    print(json.dumps(places()))
