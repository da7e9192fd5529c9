"""What each part of an explanation is told, and what it leaves."""

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
    """How far the methods' maps can be trusted, as far as it is known.

    Attributes:
        order: The methods that were measured, the best first.
        marks: Method to why its maps are not to be trusted, for those that are not.
        deciding: The reference images that decided; none where nothing was measured.
    """

    order: Sequence[str] = ()
    marks: Mapping[str, str] = field(default_factory=dict)
    deciding: Sequence[str] = ()

    def sorted(self, methods: Iterable[str]) -> list[str]:
        """Methods, those to trust first; those that were not measured as they come, last."""
        known = {name: place for place, name in enumerate(self.order)}
        return sorted(methods, key=lambda name: known.get(name, len(known)))

    def first(self, methods: Iterable[str]) -> str | None:
        """The method to trust first, wherever one is shown alone; None where there is none."""
        return next(iter(self.sorted(methods)), None)

    def caveat(self, method: str) -> str:
        """What must be said wherever the method's maps are shown; "" if nothing must."""
        return self.marks.get(method, "" if method in self.order else UNMEASURED)


@dataclass(frozen=True)
class Task:
    """What is to be explained.

    Attributes:
        subject: The network and its patches.
        asked: The configuration's ``explain``.
        selection: Which patches.
        pool: The predictions that they are chosen from.
        methods: Name to attribution method.
        folder: Where files go.
    """

    subject: Subject
    asked: Config
    selection: Selection
    pool: pd.DataFrame
    methods: Mapping[str, Method]
    folder: Path

    def node(self, name: str) -> Config:
        """A part of ``explain``; empty in the configuration of an old run."""
        return dict(self.asked.get(name) or {})


@dataclass
class Shown:
    """What a part found.

    Attributes:
        drawings: Figures still to be drawn.
        sentences: What to make of it.
        metrics: Name to value.
    """

    drawings: list[Drawing] = field(default_factory=list)
    sentences: list[str] = field(default_factory=list)
    metrics: dict[str, float] = field(default_factory=dict)
