"""Finished runs of twelve patients in three folds, as their files describe them."""

from pathlib import Path

import numpy as np
import pandas as pd

from idc.comparison.runs import FinishedRun
from idc.evaluation.baselines import SHOWN
from idc.runtime.outcome import Outcome


def finished_run(
    root: Path, train: int = 30, skill: float = 1.0, leaky: bool = False, **settings: str
) -> FinishedRun:
    """A run with its files in a folder of `root`.

    Args:
        root: Where its folder is made.
        train: Number of training patches.
        skill: How far apart the scores of the classes are.
        leaky: Whether its split leaks.
        settings: Swept values; ``split_fold`` is ``split.fold``.
    """
    names = {k.replace("_", ".", 1) if "split" in k else k: v for k, v in settings.items()}
    folder = root / "-".join(names.values())
    (folder / "evaluation").mkdir(parents=True)
    frame = predictions(int(names.get("split.fold", 0)), skill)
    frame.to_parquet(folder / "evaluation" / "predictions.parquet")
    simple = frame.assign(baseline="class prior", score=0.5, predicted=1)
    simple[["baseline", *frame]].to_parquet(folder / "evaluation" / "baselines.parquet")
    split = pd.DataFrame({"patient": "1", "split": "train"}, index=range(train))
    split.to_parquet(folder / "split.parquet")
    outcome = Outcome(
        ",".join(f"{k}={v}" for k, v in names.items()),
        "FINISHED",
        "-".join(names.values()),
        metrics={f"test/{name}": 0.5 for name in SHOWN},
        settings=names,
        class_names=["no IDC", "IDC"],
        leaky=leaky,
    )
    return FinishedRun(outcome, folder)


def predictions(fold: int = 0, skill: float = 1.0) -> pd.DataFrame:
    """Decided predictions of the four test patients of a fold, ten patches of each."""
    rng = np.random.default_rng(fold)
    patients = [str(9000 + 3 * i + fold) for i in range(4)]
    frame = pd.DataFrame({"patient": np.repeat(patients, 10), "label": np.tile([0, 1], 20)})
    frame["path"] = [f"{p}/{i}.png" for i, p in enumerate(frame["patient"])]
    noise = rng.normal(size=40)
    frame["score_raw"] = 1 / (1 + np.exp(-skill * (2 * frame["label"] - 1) - noise))
    frame = frame.assign(x=0, y=0, split="test", row=range(40), checks="")
    frame["score"] = frame["score_raw"]
    frame["predicted"] = (frame["score"] >= 0.5).astype(int)
    return frame.assign(loss=0.5)
