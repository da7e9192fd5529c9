"""Serve a small made-up book: `python review_server.py ANSWERS '{"mode": "open", ...}'`.

Prints the address once it can be opened. A file beside the answers named `full` is a full disk.
"""

import errno
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from idc.reader_study.answer import Answer, ReviewError
from idc.reader_study.answer_store import AnswerStore
from idc.reader_study.case import AROUND, Case, CaseBook
from idc.reader_study.serving import Settings, serve

SIDE = 50


def made_up_cases(count: int = 5, classes: int = 2) -> list[Case]:
    """Cases whose every fact can be searched for in what reaches a browser."""
    return [
        Case(
            path=f"8863/{i % classes}/8863_idx5_x{1001 + 50 * i}_y2001_class{i % classes}.png",
            patient="8863",
            x=1001 + 50 * i,
            y=2001,
            label=i % classes,
            score=round(0.3137 + 0.1 * i, 4),
            predicted=(i // 2) % classes,
            row=i,
        )
        for i in range(count)
    ]


def made_up_book(class_names: Sequence[str] = ("no IDC", "IDC"), count: int = 5) -> CaseBook:
    """Patches, surroundings and maps made from the case's number."""
    return CaseBook(
        run_name="made-up run",
        cases=made_up_cases(count, len(class_names)),
        class_names=class_names,
        threshold=0.4375 if len(class_names) == 2 else None,
        sources={"gradcam": "stage3, map 7x7", "saliency": "pixels"},
        notes={"saliency": "fails the weights check: its maps stay when the weights are shuffled"},
        patch=made_up_patch,
        surroundings=made_up_surroundings,
        attribution=made_up_map,
        patch_um=200.0,
    )


def made_up_patch(case: Case) -> NDArray[np.uint8]:
    noise = np.random.default_rng(case.row).normal(0, 18, (SIDE, SIDE, 3))
    return np.clip(noise + np.array([205, 150, 190]), 0, 255).astype(np.uint8)


def made_up_surroundings(case: Case) -> NDArray[np.uint8]:
    if case.row == 4:
        raise OSError(f"cannot read the mosaic of {case.path}")
    wide = (2 * AROUND + 1) * SIDE
    noise = np.random.default_rng(99).normal(0, 18, (wide, wide, 3))
    image = np.clip(noise + np.array([215, 160, 200]), 0, 255).astype(np.uint8)
    middle = slice(AROUND * SIDE, (AROUND + 1) * SIDE)
    image[middle, middle] = made_up_patch(case)
    return image


def made_up_map(case: Case, method: str) -> NDArray[np.float32]:
    rows, columns = np.mgrid[:SIDE, :SIDE]
    blob = np.exp(-((rows - 18) ** 2 + (columns - 30) ** 2) / 120)
    if method == "saliency":
        blob = blob - np.exp(-((rows - 38) ** 2 + (columns - 12) ** 2) / 60)
    return np.asarray(blob, np.float32)


class CareStore(AnswerStore):
    """A store whose disk is full while a file says so."""

    def add(self, answer: Answer) -> None:
        if self.path.with_name("full").exists():
            raise ReviewError(f"the answer cannot be saved ({os.strerror(errno.ENOSPC)}).")
        super().add(answer)


def main() -> None:
    options: dict[str, Any] = json.loads(sys.argv[2]) if len(sys.argv) > 2 else {}
    names = tuple(options.pop("class_names", ("no IDC", "IDC")))
    answers = CareStore(Path(sys.argv[1]))
    settings = Settings(**{"port": 0, **options})
    serve(made_up_book(names), answers, settings, on_ready=lambda url: print(url, flush=True))
    print("ended", flush=True)


if __name__ == "__main__":
    main()
