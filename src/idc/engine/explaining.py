"""A run's attributions: chosen patches explained, drawn and kept as arrays."""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from idc.engine.config import Config, build
from idc.engine.evaluation import Evaluation
from idc.engine.figures import save_figure
from idc.explain.methods import Attributions
from idc.explain.run import explain
from idc.explain.select import KIND_WORDS, select_cases
from idc.models.network import Network
from idc.plots.attribution import AttributionCase, attribution_figure

log = logging.getLogger(__name__)


def explain_cases(
    network: Network,
    evaluation: Evaluation,
    patches: NDArray[np.uint8],
    class_names: Sequence[str],
    config: Config,
    device: torch.device,
    folder: Path,
) -> Path | None:
    """Explain right and wrong test predictions.

    Writes to ``explain/`` a figure a kind (``TP.png`` and so on), ``cases.parquet`` (which patches,
    their kind and target) and ``attributions.npz`` (method to float32 (n, H, W), and ``patches``
    uint8 (n, H, W, 3)), row for row with the cases.

    Args:
        network: The trained network; left as it is.
        evaluation: Gives the test side's decisions.
        patches: The store, uint8 (N, P, P, 3).
        class_names: A name a class, in the order of the labels.
        config: The resolved configuration.
        device: Where to compute.
        folder: The run's folder.

    Returns:
        The folder with the results, or None if nothing was asked for.
    """
    asked = config["explain"]
    if not asked["methods"] or not asked["per_kind"]:
        return None
    methods = {name: build(node, f"explain.{name}") for name, node in asked["methods"].items()}
    test = evaluation.side("test").reset_index(drop=True)
    classes = len(class_names)
    chosen = select_cases(
        test["label"].to_numpy(),
        test["predicted"].to_numpy(),
        asked["per_kind"],
        asked["seed"],
        classes,
    )
    cases = pd.concat(
        [test.iloc[rows].assign(kind=kind) for kind, rows in chosen.items()], ignore_index=True
    )
    what = f"the logit of {class_names[1]} (class 1)"
    if classes == 2:
        # Always the evidence for cancer: what was found, what misled, what was passed over.
        cases["target"] = 1
    else:
        cases["target"] = cases["predicted"]
        what = "the predicted class's logit"
    shown = patches[cases["row"].to_numpy()]
    maps = explain(
        network, shown, cases["target"].to_numpy(np.int64), methods, asked["batch_size"], device
    )
    target = folder / "explain"
    target.mkdir(exist_ok=True)
    cases.to_parquet(target / "cases.parquet", index=False)
    arrays: dict[str, Any] = {"patches": shown, **{n: a.maps for n, a in maps.items()}}
    np.savez_compressed(target / "attributions.npz", **arrays)
    if evaluation.threshold is not None:
        what += f"; threshold {evaluation.threshold:.3f}"
    for kind in chosen:
        rows = np.flatnonzero(cases["kind"].to_numpy() == kind)
        if len(rows):
            _draw(kind, rows, cases, shown, maps, what, target)
        else:
            log.info("explain: the test side has no %s", kind)
    return target


def _draw(
    kind: str,
    rows: NDArray[np.int64],
    cases: pd.DataFrame,
    shown: NDArray[np.uint8],
    maps: dict[str, Attributions],
    what: str,
    folder: Path,
) -> None:
    drawn = []
    for row in rows:
        case = cases.iloc[row]
        header = (
            f"patient {case['patient']}\nx {case['x']}  y {case['y']}\n"
            f"label {case['label']}  score {case['score']:.3f}"
        )
        drawn.append(
            AttributionCase(
                shown[row],
                {name: found.maps[row] for name, found in maps.items()},
                header,
                {name: found.source for name, found in maps.items()},
            )
        )
    words = f" ({KIND_WORDS[kind]})" if kind in KIND_WORDS else ""
    figure = attribution_figure(
        drawn,
        list(maps),
        f"{kind}{words}: what speaks for and against",
        f"Explained: {what}. Each map has its own scale.",
    )
    save_figure(figure, folder / f"{kind.replace(' ', '_')}.png")
