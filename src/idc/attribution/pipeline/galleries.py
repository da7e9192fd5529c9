"""Attributions of chosen patches: computed, drawn page by page, and stored as arrays."""

import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from idc.attribution.methods import Attributions, Method
from idc.attribution.pipeline.explained_model import Subject
from idc.attribution.pipeline.step import Trust
from idc.attribution.run import explain
from idc.attribution.select import kind_words
from idc.data.index import position_words
from idc.plots.attribution import AttributionCase, attribution_figure
from idc.runtime.atomic import replacing
from idc.runtime.drawing import Drawing

log = logging.getLogger(__name__)
PER_PAGE = 8  # cases in a figure


@dataclass(frozen=True)
class Cases:
    """Patches that were explained.

    Attributes:
        table: Their predictions, with ``kind`` and ``target``.
        pixels: uint8 (n, P, P, 3).
        maps: Method to attributions, row for row with the table.
    """

    table: pd.DataFrame
    pixels: NDArray[np.uint8]
    maps: Mapping[str, Attributions]

    def save(self, folder: Path) -> None:
        """Write ``cases.parquet``, and the arrays row for row with it, ``attributions.npz``.

        The latter holds ``patches`` and, by their methods' names, float32 (n, P, P).
        """
        folder.mkdir(parents=True, exist_ok=True)
        with replacing(folder / "cases.parquet") as path:
            self.table.to_parquet(path, index=False)
        arrays: dict[str, Any] = {name: result.maps for name, result in self.maps.items()}
        np.savez_compressed(folder / "attributions.npz", patches=self.pixels, **arrays)


def explain_cases(
    subject: Subject,
    table: pd.DataFrame,
    methods: Mapping[str, Method],
    batch_size: int,
    advance: Callable[[int], None] | None = None,
) -> Cases:
    """Explain chosen patches.

    Args:
        subject: The network and its patches.
        table: The chosen predictions; see `idc.attribution.select.choose_cases`.
        methods: Name to method.
        batch_size: Patches at once.
        advance: Called with the number of further maps.
    """
    table = table.assign(target=subject.targets(table))
    pixels = subject.pixels(table)
    targets = table["target"].to_numpy(np.int64)
    maps = explain(subject.network, pixels, targets, methods, batch_size, subject.device, advance)
    return Cases(table, pixels, maps)


def case_drawings(cases: Cases, subject: Subject, trust: Trust, folder: Path) -> Iterator[Drawing]:
    """The gallery: one page per kind, or several where there are many cases.

    Args:
        cases: What was explained.
        subject: For the words.
        trust: Marks the methods that are not to be trusted.
        folder: Where the pages go: ``FN.png``, ``FN_2.png`` and so on.
    """
    kinds = cases.table["kind"].to_numpy(object)
    for kind in dict.fromkeys(kinds):
        rows = np.flatnonzero(kinds == kind)
        pages = -(-len(rows) // PER_PAGE)
        words = kind_words(kind, subject.class_names)
        words = f" ({words})" if words != kind else ""
        for page in range(pages):
            part = rows[page * PER_PAGE : (page + 1) * PER_PAGE]
            of = f", page {page + 1} of {pages}" if pages > 1 else ""
            arguments = {
                "cases": [_case(cases, row, trust) for row in part],
                "methods": list(cases.maps),
                "title": f"{kind}{words}: evidence for and against{of}",
                "note": f"Explained: {subject.explained}. Each map has its own scale.",
            }
            name = kind.replace(" ", "_") + (f"_{page + 1}" if page else "")
            yield Drawing(folder / f"{name}.png", attribution_figure, arguments)


def _case(cases: Cases, row: int, trust: Trust) -> AttributionCase:
    case = cases.table.iloc[row].to_dict()
    place = position_words(case)
    header = (
        f"patient {case['patient']}\n{place}{place and chr(10)}"
        f"label {case['label']}\nscore {case['score']:.3f}"
    )
    if case["split"] not in ("test", "val"):
        header += "\nIN TRAINING"
    maps = {name: each.maps[row] for name, each in cases.maps.items()}
    sizes = {}
    for name, each in cases.maps.items():
        # Failed methods are marked; that a method was not measured is a note like others.
        unmeasured = "" if name in trust.marks else trust.caveat(name)
        sizes[name] = "; ".join(part for part in (each.source, each.note, unmeasured) if part)
    return AttributionCase(cases.pixels[row], maps, header, sizes, dict(trust.marks))
