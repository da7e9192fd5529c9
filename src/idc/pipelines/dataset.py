"""The one data preparation of all apps: list, check, correct, divide, read, look for leaks."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from idc.config.build import Config, build
from idc.data.audit.policy import Decisions, Policy
from idc.data.corrections import PLACE, Corrections, correct, corrected_words
from idc.data.facts import fingerprint
from idc.data.index import PREDEFINED, class_members
from idc.data.leaks import no_leaks
from idc.data.material import Material, Truth
from idc.data.sources.base import KnowsTruth, Scan, Source
from idc.data.sources.tree import NotRead
from idc.data.split.base import SPLITS, UNUSED, Splitter
from idc.data.store.build import read_set
from idc.data.store.store import Stored, build_store, open_current
from idc.errors import DataError
from idc.pipelines.label_corrections import build_corrections, under_names_of
from idc.pipelines.pseudonyms import build_splitter, hide_patients, names_pseudonyms
from idc.pipelines.split import divide, settle_leaks
from idc.runtime.cores import count_cores
from idc.runtime.progress import progress_bar
from idc.tracking.privacy import Redactor

log = logging.getLogger(__name__)
EASY_F1 = 0.9


def load_material(config: Config, redactor: Redactor | None = None) -> Material:
    """Prepare the data of a run, cheap checks first, under pseudonyms if the redactor has any.

    Raises:
        DataError: As source and split raise it, a class does not occur, or there is a finding
            or a leak that the configuration says to stop for.
        ConfigError: The split names what is not there.
    """
    return Preparation(config, redactor).material()


def load_unsplit(config: Config, redactor: Redactor) -> Material:
    """Prepare data that a trained model is to be tested on: every image is in the test split.

    Raises:
        DataError: There is nothing to read, or a finding that the configuration says to stop for.
    """
    return Preparation(config, redactor, divides=False).material()


@dataclass(frozen=True)
class Settled:
    """An index about which everything is decided.

    Attributes:
        index: Corrected, with ``split`` ("" for what is dropped), and, if patients are hidden,
            with pseudonyms for patients and paths.
        decisions: The findings and what is done about each.
        leaky: Whether the split may put a patient in two splits.
        corrections: The corrections under the names of the index.
        no_split: Why no split could be made; None if there is one.
    """

    index: pd.DataFrame
    decisions: Decisions
    leaky: bool
    corrections: Corrections | None
    no_split: DataError | None = None


class Preparation:
    """One data set on its way to a run.

    Args:
        config: The resolved configuration.
        redactor: See `load_material`.
        divides: Whether the images are divided into splits; else all of them are tested.
        stops: Whether a finding whose action is ``fail``, or a split that cannot be made, stops
            the work at once; `idc.prepare` shows them first.

    Attributes:
        source: The set.
        policy: The policy for its findings.
    """

    def __init__(
        self,
        config: Config,
        redactor: Redactor | None = None,
        divides: bool = True,
        stops: bool = True,
    ) -> None:
        self.config = config
        self.redactor = redactor
        self.names = redactor.pseudonyms if redactor else None
        self.divides, self.stops = divides, stops
        self.source: Source = build(config["data"]["source"], "data")
        source = self.source
        self.policy = Policy(config["audit"], source.card.is_h_and_e, source.of_archive)
        self.corrections = build_corrections(config)
        self.limits = config["audit"]["limits"]

    def material(self) -> Material:
        """All steps, in order.

        Raises:
            IdcError: See `load_material`.
        """
        # Before any pixel is read: a patient's name that does not exist costs no minutes.
        stored = self.bring(lambda scan: self.settle(scan.index, scan.not_read))
        settled = self.settle(stored.index, stored.not_read)
        index, leaks, leaky = settled.index, no_leaks(settled.index), False
        if self.divides:
            index, leaks = settle_leaks(
                self.config, index, stored.patches, settled.leaky, self.source.patients_known
            )
            leaky = settled.leaky or bool(leaks.patients)
        material = Material(
            self.source,
            index,
            stored.patches,
            self.fingerprint(stored, settled),
            settled.decisions,
            leaky,
            leaks,
            settled.corrections,
            self._truth(stored.index),
        )
        self._log(material)
        return material

    def bring(self, check: Callable[[Scan], object], every_file: bool = False) -> Stored:
        """Bring the set to where it can be used: from its store, into a store, or into memory.

        Args:
            check: Called with what was listed before any file is read, and may raise.
            every_file: Look at each file, trust no folder's time, and return all facts.

        Raises:
            DataError: There is nothing to read, or the store cannot be written or is damaged.
        """
        source, limits, use = self.source, self.limits, self.config["store"]
        workers = count_cores() if use["workers"] == "auto" else use["workers"]
        stores = Path(self.config["paths"]["stores"])
        if source.root is not None and use["use"]:
            stored = None if every_file else open_current(source, stores, limits)
            if stored is None and (use["build"] or every_file):
                stored = build_store(
                    source, stores, limits, workers, progress_bar, check, every_file
                )
            if stored is not None:
                return stored
        scan = source.scan()
        check(scan)
        with progress_bar(len(scan.index), f"reading {source.name}") as advance:
            table, patches, mark = read_set(source, scan.index, limits, workers, advance)
        read = len(table) if source.root else 0
        return Stored(table, patches, mark, None, read, scan.not_read, scan.ignored)

    def settle(self, own: pd.DataFrame, not_read: Sequence[NotRead]) -> Settled:
        """Correct, check and divide an index.

        The patients' own names end here: what is returned has pseudonyms if they are hidden. The
        split is made under the own names, so that it is the same with and without pseudonyms.

        Args:
            own: The index as listed, or with all facts, under the patients' own names.
            not_read: What it has no row for.

        Raises:
            DataError: There is a finding to stop for, a class does not occur, or the patients do
                not suffice; but see `Preparation`.
            ConfigError: The split names what is not there.
        """
        if self.redactor is not None:
            self.redactor.register_patients(own["patient"].unique())
        public = own if self.names is None else hide_patients(own, self.names)
        corrections = under_names_of(self.corrections, own, public, self.redactor)
        index = public
        if corrections is not None:
            index = correct(public, corrections, self.source.class_names)
        if self.stops:
            self.refuse(own, index, not_read)
        decisions = self.policy.decide(index, not_read)
        if not self.divides:
            if not decisions.keep.any():
                raise DataError("data: no image is left to test; see what audit=... drops.")
            split = np.where(decisions.keep, "test", UNUSED).astype(object)
            return Settled(index.assign(split=split), decisions, False, corrections)
        splitter: Splitter = build_splitter(self.config, own, self.names)
        before = public if names_pseudonyms(self.config["split"]) else own
        kept = self.policy.decide(before).keep
        try:
            split = divide(
                self.config, splitter, before, kept, index, decisions.keep, self.source.class_names
            )
        except DataError as error:
            if self.stops:
                raise
            unused = index.assign(split=UNUSED)
            return Settled(unused, decisions, splitter.leaky, corrections, error)
        return Settled(index.assign(split=split), decisions, splitter.leaky, corrections)

    def refuse(self, own: pd.DataFrame, index: pd.DataFrame, not_read: Sequence[NotRead]) -> None:
        """Stop for findings whose action is ``fail``; the message names files as they are.

        `index` is the corrected one, row for row the same as `own`.

        Raises:
            DataError: Names the files, the findings and what to do.
        """
        named = own.assign(checks=index["checks"])
        self.policy.refuse(named, self.source.root, self.nameable(not_read))

    def nameable(self, not_read: Sequence[NotRead]) -> list[NotRead]:
        """What was not read, without paths if patients are hidden: they may name unknown ones."""
        return [some if self.names is None else some.without_names() for some in not_read]

    def fingerprint(self, stored: Stored, settled: Settled) -> str:
        """The fingerprint of the images that are used, with the labels that are used."""
        keep, label = settled.decisions.keep, settled.index["label"]
        if keep.all() and np.array_equal(label, stored.index["label"]):
            return stored.fingerprint
        return fingerprint(stored.index.assign(label=label)[keep])

    def _truth(self, own: pd.DataFrame) -> Truth | None:
        source = self.source
        if not isinstance(source, KnowsTruth):
            return None
        return lambda rows: source.truth(own.iloc[rows].reset_index(drop=True))

    def _log(self, material: Material) -> None:
        if material.corrections is not None:
            log.info("%s: %s", PLACE, corrected_words(material.index))
        for row in material.decisions.table.to_dict("records"):
            if row["patches"]:
                level = logging.WARNING if row["dropped"] else logging.INFO
                what = "dropped" if row["dropped"] else "kept"
                log.log(level, "audit: %d x %s, %s", row["patches"], row["finding"], what)
        for name in SPLITS:
            part = material.rows(name)
            names = material.source.class_names
            of_class = zip(class_members(part, names).sum(0), names, strict=True)
            counts = ", ".join(f"{count} {name}" for count, name in of_class)
            patients = part["patient"].nunique()
            log.info("%-5s %6d patches, %3d patients, %s", name, len(part), patients, counts)
        if self.divides:
            chosen = self.config["choices"].get("split")
            if PREDEFINED in material.index and chosen != "predefined":
                log.warning(
                    "split: the data set has splits of its own, which are not used; "
                    "split=predefined uses them"
                )
            _warn_of_easy_f1(material, self.config)


def _warn_of_easy_f1(material: Material, config: Config) -> None:
    """Warn if a network that has learnt nothing has a high monitored F1."""
    share = float((material.rows("val")["label"] == 1).mean())
    trivial = 2 * share / (1 + share)  # F1 of calling everything positive
    if material.source.multi_label:
        if config["monitor"]["metric"] == "val/f1":
            log.warning(
                "val/f1 is taken at 0.5, which the scores of rare labels seldom reach, so the best "
                "epoch may be a matter of chance. Consider monitor.metric=val/auroc."
            )
        return
    binary = len(material.source.class_names) == 2
    if binary and trivial >= EASY_F1 and config["monitor"]["metric"] == "val/f1":
        log.warning(
            "val: %.0f%% of the patches are positive, so calling all of them positive has val/f1 "
            "%.2f; the best epoch is then a matter of chance. Consider monitor.metric=val/auroc, "
            "or other split.val_patients.",
            100 * share,
            trivial,
        )
