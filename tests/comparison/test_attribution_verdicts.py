"""Which attribution methods can be trusted for each setting of a comparison."""

from pathlib import Path

import pytest

from idc.comparison.attribution_verdicts import trust_sentences, trust_table
from idc.comparison.runs import FinishedRun
from idc.runtime.outcome import Outcome


def run(name: str, fold: int | None = None, **methods: tuple[float, int, int]) -> FinishedRun:
    settings = {"backbone": name} | ({} if fold is None else {"split.fold": str(fold)})
    metrics = {"test/f1": 0.5, "explain/regions_missed": 2.0}
    for method, (gain, passes, trusted) in methods.items():
        metrics |= {
            f"explain/{method}/drop_over_random": gain,
            f"explain/{method}/drop_over_random_ci_low": gain - 0.1,
            f"explain/{method}/drop_over_random_ci_high": gain + 0.1,
            f"explain/{method}/passes": passes,
            f"explain/{method}/trusted": trusted,
        }
    return FinishedRun(
        Outcome(name, "FINISHED", metrics=metrics, settings=settings), Path("nowhere")
    )


def test_one_run_keeps_its_interval_and_verdict() -> None:
    table = trust_table([run("a", gradcam=(0.3, 1, 1), saliency=(0.05, 1, 0)), run("b")])
    assert table["model"].unique().tolist() == ["backbone=a"]
    first, second = table.to_dict("records")
    assert first["verdict"] == "trust"
    assert first["drop_over_random_low"] == pytest.approx(0.2)
    assert second["verdict"] == "not shown to beat random maps"


def test_several_runs_are_as_good_as_their_worst() -> None:
    runs = [
        run("a", 0, gradcam=(0.2, 1, 1), saliency=(0.2, 1, 1)),
        run("a", 1, gradcam=(0.4, 1, 0), saliency=(0.2, 0, 0)),
        run("b", 0, gradcam=(0.1, 1, 1), saliency=(0.1, 1, 1)),
    ]
    table = trust_table(runs).set_index(["model", "method"])
    gradcam = table.loc[("backbone=a", "gradcam")]
    assert gradcam["verdict"] == "not shown to beat random maps"
    assert gradcam["drop_over_random"] == pytest.approx(0.3)
    assert (gradcam["drop_over_random_low"], gradcam["drop_over_random_high"]) == (0.2, 0.4)
    assert table.loc[("backbone=a", "saliency"), "verdict"] == "fails the weights check"
    words = trust_sentences(table.reset_index())
    assert "gradcam can be trusted for 1 of 2 settings" in words[0]
    assert "fails for backbone=a" in words[1]


def test_without_explanations_there_is_nothing() -> None:
    assert trust_table([run("a")]).empty
    assert trust_sentences(trust_table([])) == []
