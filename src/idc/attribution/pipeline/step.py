"""What each part of an explanation takes and returns."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from idc.attribution.methods import Method
from idc.attribution.pipeline.explained_model import Subject
from idc.attribution.select import Selection
from idc.config.build import Config
from idc.runtime.drawing import Drawing

UNMEASURED = "faithfulness not measured"


@dataclass(frozen=True)
class Trust:
    """How far the methods' maps can be trusted, where it was measured.

    Attributes:
        order: The measured methods, the best first.
        marks: Method to the reason, for those whose maps are not to be trusted.
        deciding: The reference images that decided; empty where nothing was measured.
    """

    order: Sequence[str] = ()
    marks: Mapping[str, str] = field(default_factory=dict)
    deciding: Sequence[str] = ()

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
    """

    subject: Subject
    options: Config
    selection: Selection
    pool: pd.DataFrame
    methods: Mapping[str, Method]
    folder: Path

    def node(self, name: str) -> Config:
        """A part of ``explain``; empty where an old run has none."""
        return dict(self.options.get(name) or {})


@dataclass
class StepResult:
    """The result of one part.

    Attributes:
        drawings: Figures still to be drawn.
        sentences: Its conclusions.
        metrics: Name to value.
    """

    drawings: list[Drawing] = field(default_factory=list)
    sentences: list[str] = field(default_factory=list)
    metrics: dict[str, float] = field(default_factory=dict)
