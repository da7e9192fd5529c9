"""What a sweep's runs look like side by side."""

from pathlib import Path

import pandas as pd

from idc.engine.figures import confusion, save_figure
from idc.engine.outcome import Outcome
from idc.launch.leaderboard import METRICS, setting_of
from idc.plots.confusion import ConfusionPanel, confusion_figure
from idc.plots.curves import pr_figure, roc_figure
from idc.plots.leaderboard import leaderboard_figure

OVERLAID = 12  # curves that one figure bears
PREDICTIONS = "evaluation/predictions.parquet"


def compare(
    board: pd.DataFrame, outcomes: list[Outcome], predictions: dict[str, Path], folder: Path
) -> None:
    """Write the leaderboard, the overlaid curves and the confusion matrices.

    Args:
        board: See `idc.launch.leaderboard.leaderboard`.
        outcomes: All jobs; those that did not finish are left out.
        predictions: Job's name to its ``predictions.parquet``.
        folder: Where the files go.
    """
    folder.mkdir(parents=True, exist_ok=True)
    plain = board.drop(columns=[f"{metric}_values" for metric in METRICS])
    plain.to_csv(folder / "leaderboard.csv", index=False, float_format="%.6g")
    save_figure(leaderboard_figure(board, METRICS), folder / "leaderboard.png")
    rank = {setting: i for i, setting in enumerate(board["setting"])}
    shown = [o for o in outcomes if o.status == "FINISHED" and o.name in predictions]
    shown.sort(key=lambda o: rank[setting_of(o)])
    curves, points, panels = {}, {}, []
    for outcome in shown[:OVERLAID]:
        frame = pd.read_parquet(predictions[outcome.name])
        test = frame[frame["split"] == "test"]
        labels, predicted = test["label"].to_numpy(), test["predicted"].to_numpy()
        matrix = confusion(labels, predicted, len(outcome.class_names))
        panels.append(ConfusionPanel(outcome.name, matrix))
        threshold = outcome.metrics.get("val/threshold")
        if threshold is not None:
            curves[outcome.name] = (labels, test["score"].to_numpy())
            points[outcome.name] = threshold
    if curves:
        save_figure(roc_figure(curves, points, "ROC, test patches"), folder / "roc.png")
        figure = pr_figure(curves, points, "Precision-recall, test patches")
        save_figure(figure, folder / "precision_recall.png")
    if panels:
        figure = confusion_figure(panels, shown[0].class_names)
        save_figure(figure, folder / "confusion_matrices.png")
