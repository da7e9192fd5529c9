"""The data of an experiment: scanned, checked, split, and read or opened."""

import logging
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from idc.config.build import Config, build, without
from idc.data.audit.audit import Limits
from idc.data.audit.policy import Policy
from idc.data.corrected import corrected_words
from idc.data.corrections import PLACE
from idc.data.facts import fingerprint
from idc.data.leaks import Leaks
from idc.data.material import Material
from idc.data.sources.base import NotRead, Scan, Source
from idc.data.split.base import SPLITS
from idc.data.store.memory import read_set
from idc.data.store.store import Stored, build_store, open_current
from idc.errors import DataError
from idc.pipelines.label_corrections import build_corrections, corrected, fit_to_log
from idc.pipelines.leak_check import settle_leaks
from idc.pipelines.pseudonyms import build_splitter, hide_patients
from idc.pipelines.split import divide
from idc.runtime.cores import count_cores
from idc.runtime.progress import progress_bar
from idc.tracking.privacy import Pseudonyms, Redactor

log = logging.getLogger(__name__)
EASY_F1 = 0.9


def build_policy(config: Config) -> Policy:
    """What is done about findings.

    Raises:
        ConfigError: A finding or its action is not known.
    """
    return Policy(without(config["audit"], "limits"))


def identity(found: Stored, index: pd.DataFrame, keep: NDArray[np.bool_]) -> str:
    """The fingerprint of the data that are used.

    Args:
        found: The set as it was brought.
        index: Its index, corrected or not.
        keep: bool (N,), the rows that are used.
    """
    same = keep.all() and np.array_equal(index["label"], found.index["label"])
    return found.fingerprint if same else fingerprint(index[keep])


def inspect(
    config: Config,
    source: Source,
    check: Callable[[Scan], object],
    every_file: bool = False,
) -> Stored:
    """Bring a set to where it can be used: from its store, into a store, or into memory.

    Args:
        config: The resolved configuration.
        source: The set.
        check: Looks at what was listed before any file is read, and may raise.
        every_file: Look at each file, take nothing on trust, and give all facts.

    Raises:
        DataError: There is nothing to read, or the store cannot be written or is damaged.
    """
    limits = Limits(**config["audit"]["limits"])
    asked = config["store"]
    workers = count_cores() if asked["workers"] == "auto" else asked["workers"]
    stores = Path(config["paths"]["stores"])
    stored = None
    if source.root is not None and asked["use"]:
        stored = None if every_file else open_current(source, stores, limits)
        if stored is None and (asked["build"] or every_file):
            stored = build_store(source, stores, limits, workers, progress_bar, check, every_file)
    if stored is not None:
        return stored
    scan = source.scan()
    check(scan)
    index = scan.index
    with progress_bar(len(index), f"reading {source.name}") as advance:
        table, patches, mark = read_set(source, index, limits, workers, advance)
    read = len(table) if source.root else 0
    return Stored(table, patches, mark, None, read, scan.not_read, scan.ignored)


def nameable(not_read: Sequence[NotRead], names: Pseudonyms | None) -> list[NotRead]:
    """What was not read, without examples if patients are to be hidden: they may name unknown ones.

    Args:
        not_read: See `idc.data.sources.base.Scan`.
        names: The pseudonyms, or None.
    """
    return [some if names is None else some.without_names() for some in not_read]


def load_material(config: Config, redactor: Redactor | None = None) -> Material:
    """Scan, split and read the data, cheap checks first.

    Args:
        config: The resolved configuration.
        redactor: Told the patients' names, and gives their pseudonyms, if they are to be hidden;
            whatever comes after knows no others.

    Raises:
        DataError: As source and split raise it, a class does not occur, or there is a finding
            or a leak that the configuration says to stop for.
        ConfigError: The split names what is not there.
    """
    source: Source = build(config["data"]["source"], "data")
    policy, corrections = build_policy(config), build_corrections(config)
    names = redactor.pseudonyms if redactor else None

    def check(scan: Scan) -> None:
        index = scan.index
        if redactor is not None:
            redactor.register_patients(index["patient"].unique())
        used = corrected(index, corrections, source, names)
        splitter = build_splitter(config, index, names)
        # Before the pixels are read: a patient's name that is not there costs no minutes.
        policy.refuse(used, source.root, nameable(scan.not_read, names))
        divide(config, index, used, policy, source, splitter)

    found = inspect(config, source, check)
    if redactor is not None:
        redactor.register_patients(found.index["patient"].unique())
    index = corrected(found.index, corrections, source, names)
    policy.refuse(index, source.root, nameable(found.not_read, names))
    decisions = policy.decide(index, found.not_read)
    splitter = build_splitter(config, found.index, names)
    index = index.assign(split=divide(config, found.index, index, policy, source, splitter))
    mark = identity(found, index, decisions.keep)
    corrections = fit_to_log(corrections, index, redactor)
    if names is not None:
        index = hide_patients(index, names)
    index, leaks = settle_leaks(config, index, found.patches, splitter.leaky)
    leaky = splitter.leaky or bool(leaks.patients)
    material = Material(source, index, found.patches, mark, decisions, leaky, leaks, corrections)
    _tell(material)
    _warn_of_easy_f1(material, config)
    return material


def load_unsplit(config: Config, redactor: Redactor) -> Material:
    """Read a set that a trained model is asked about: all its patches are tested.

    Args:
        config: The resolved configuration.
        redactor: See `load_material`.

    Raises:
        DataError: There is nothing to read, or a finding that the configuration says to stop for.
    """
    source: Source = build(config["data"]["source"], "data")
    policy, corrections = build_policy(config), build_corrections(config)
    names = redactor.pseudonyms

    def check(scan: Scan) -> None:
        redactor.register_patients(scan.index["patient"].unique())
        used = corrected(scan.index, corrections, source, names)
        policy.refuse(used, source.root, nameable(scan.not_read, names))

    found = inspect(config, source, check)
    redactor.register_patients(found.index["patient"].unique())
    index = corrected(found.index, corrections, source, names)
    policy.refuse(index, source.root, nameable(found.not_read, names))
    decisions = policy.decide(index, found.not_read)
    index = index.assign(split=np.where(decisions.keep, "test", ""))
    if not decisions.keep.any():
        raise DataError("data: no patch is left to ask about; see what audit=... drops.")
    mark = identity(found, index, decisions.keep)
    corrections = fit_to_log(corrections, index, redactor)
    if names is not None:
        index = hide_patients(index, names)
    columns = ["path", "split", "duplicate_of", "duplicate_split", "kind"]
    none = Leaks((), pd.DataFrame(columns=columns), index["patient"].nunique())
    material = Material(source, index, found.patches, mark, decisions, False, none, corrections)
    _tell(material)
    return material


def _tell(material: Material) -> None:
    if material.corrections is not None:
        log.info("%s: %s", PLACE, corrected_words(material.index))
    for row in material.decisions.table.to_dict("records"):
        if row["patches"]:
            level = logging.WARNING if row["dropped"] else logging.INFO
            what = "dropped" if row["dropped"] else "kept"
            log.log(level, "audit: %d x %s, %s", row["patches"], row["finding"], what)
    names = material.source.class_names
    for name in SPLITS:
        part = material.rows(name)
        log.info(
            "%-5s %6d patches, %3d patients, %s",
            name,
            len(part),
            part["patient"].nunique(),
            ", ".join(f"{(part['label'] == i).sum()} {c}" for i, c in enumerate(names)),
        )


def _warn_of_easy_f1(material: Material, config: Config) -> None:
    """Say so if the monitored F1 is high for a network that has learnt nothing."""
    labels = material.rows("val")["label"]
    share = float((labels == 1).mean())
    trivial = 2 * share / (1 + share)  # F1 of calling everything positive
    if len(material.source.class_names) != 2 or trivial < EASY_F1:
        return
    if config["monitor"]["metric"] == "val/f1":
        log.warning(
            "val: %.0f%% of the patches are positive, so calling all of them positive has val/f1 "
            "%.2f; the best epoch is then a matter of chance. Consider monitor.metric=val/auroc, "
            "or other split.val_patients.",
            100 * share,
            trivial,
        )
