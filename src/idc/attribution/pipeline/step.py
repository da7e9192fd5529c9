"""What each part of an explanation takes and returns, and the verdicts that a run holds."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from idc.attribution.methods import Method
from idc.attribution.pipeline.explained_model import Subject
from idc.attribution.select import Selection
from idc.config.build import Config
from idc.errors import CheckpointError, MissingArtifactError
from idc.runtime.drawing import Drawing
from idc.tracking.entities import RunRecord
from idc.tracking.lookup import list_artifacts
from idc.tracking.mlflow_store import MlflowStore
from idc.tracking.run_files import run_file

UNMEASURED = "faithfulness not measured"
PER_PAGE = 8  # cases in a figure
EXPLAIN = "explain"
VERDICTS = "verdicts.json"


@dataclass(frozen=True)
class Trust:
    """How far the methods' maps can be trusted, where it was measured.

    Attributes:
        order: The measured methods, the best first.
        marks: Method to the reason, for those whose maps are not to be trusted.
        deciding: The reference images that decided; empty where nothing was measured.
        settings: Method to the options it was measured with, ``method`` and ``faithfulness``; older
            runs have none.
    """

    order: Sequence[str] = ()
    marks: Mapping[str, str] = field(default_factory=dict)
    deciding: Sequence[str] = ()
    settings: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def sorted(self, methods: Iterable[str]) -> list[str]:
        """Sort methods, the best first; those without a measure stay in order, last."""
        places = {name: place for place, name in enumerate(self.order)}
        return sorted(methods, key=lambda name: places.get(name, len(places)))

    def first(self, methods: Iterable[str]) -> str | None:
        """The best method, for where one is shown alone; None if there is none."""
        return next(iter(self.sorted(methods)), None)

    def caveat(self, method: str) -> str:
        """The caveat to show beside the method's maps; "" if there is none."""
        return self.marks.get(method, "" if method in self.order else UNMEASURED)

    def without(self, methods: Iterable[str]) -> "Trust":
        """The same without some methods."""
        gone = set(methods)
        marks = {name: mark for name, mark in self.marks.items() if name not in gone}
        settings = {name: each for name, each in self.settings.items() if name not in gone}
        order = [name for name in self.order if name not in gone]
        return Trust(order, marks, self.deciding, settings)

    def followed_by(self, earlier: "Trust") -> "Trust":
        """These verdicts, then those of an earlier measurement on further methods."""
        more = earlier.without(self.order)
        return Trust(
            [*self.order, *more.order],
            {**more.marks, **self.marks},
            self.deciding or more.deciding,
            {**more.settings, **self.settings},
        )


@dataclass(frozen=True)
class Task:
    """An explanation to make.

    Attributes:
        subject: The network and its patches.
        options: The configuration's ``explain``.
        selection: Which patches.
        pool: The predictions to choose from.
        methods: Name to attribution method.
        folder: Folder for the files.
        trust: How far the methods can be trusted.
    """

    subject: Subject
    options: Config
    selection: Selection
    pool: pd.DataFrame
    methods: Mapping[str, Method]
    folder: Path
    trust: Trust

    def node(self, name: str) -> Config:
        """A copy of a part of ``explain``."""
        return dict(self.options[name])


@dataclass
class StepResult:
    """The result of one part.

    Attributes:
        drawings: Figures still to be drawn.
        sentences: Its conclusions.
        metrics: Name to value.
        methods: One row per method whose faithfulness was measured; see `Faithfulness.table`.
        trust: What is known of the methods after this part; None where it is as before.
    """

    drawings: list[Drawing] = field(default_factory=list)
    sentences: list[str] = field(default_factory=list)
    metrics: dict[str, float] = field(default_factory=dict)
    methods: pd.DataFrame = field(default_factory=pd.DataFrame)
    trust: Trust | None = None


def pages(rows: NDArray[np.int64]) -> Iterator[tuple[int, NDArray[np.int64], str]]:
    """Cut rows into pages: number from 0, rows, and words for a title where there are several."""
    count = -(-len(rows) // PER_PAGE)
    for page in range(count):
        words = f", page {page + 1} of {count}" if count > 1 else ""
        yield page, rows[page * PER_PAGE : (page + 1) * PER_PAGE], words


def stored_trust(store: MlflowStore, record: RunRecord, config: Config, folder: Path) -> Trust:
    """How far the attribution methods can be trusted for a run, as it holds; none if unmeasured.

    Those of the training come first; later explanations add the methods that it did not measure.
    `config` is the present one, for this machine's folders; downloads go to `folder`.
    """
    listed = list_artifacts(store, str(record.info.run_id), EXPLAIN)
    trust = Trust()
    for place in (EXPLAIN, *(path for path, is_folder in listed if is_folder)):
        try:
            path = run_file(store, record, config, f"{place}/{VERDICTS}", folder)
        except MissingArtifactError:
            continue
        trust = trust.followed_by(read_verdicts(path))
    return trust


def read_verdicts(path: Path) -> Trust:
    """The verdicts of one explanation.

    Raises:
        CheckpointError: The file is damaged.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        order, marks = list(map(str, content["order"])), dict(content["marks"])
        # Older runs kept neither what decided nor the options.
        deciding = tuple(content.get("references", {}).get("deciding", []))
        return Trust(order, marks, deciding, dict(content.get("settings", {})))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise CheckpointError(
            f"{path} is damaged: it holds no verdicts on attributions."
        ) from error
