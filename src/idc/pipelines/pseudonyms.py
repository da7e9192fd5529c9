"""Patients' names, and what stands for them in all that is logged."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from idc.config.build import Config, build
from idc.data.split.base import Splitter
from idc.data.split.csv_file import read_split_csv
from idc.errors import ConfigError
from idc.tracking.privacy import KEY_VARIABLE, PSEUDONYM, Pseudonyms

NAMES_TAG = "idc.patients"
REAL = "own names"
CHECK = "idc: whose key is this?"


def names_tags(names: Pseudonyms | None) -> dict[str, str]:
    """Tags that tell whether patients have pseudonyms, and by which key, without telling it."""
    return {NAMES_TAG: names.of(CHECK) if names else REAL}


def require_same_names(tags: Mapping[str, str], now: Config, what: str) -> None:
    """Refuse to go on with a run under other names: its patients would not be known again.

    Args:
        tags: The run's tags.
        now: The configuration of now.
        what: Who asks, for the message.

    Raises:
        ConfigError: The run has pseudonyms and now there are none or others, or the reverse.
    """
    before = tags.get(NAMES_TAG, REAL)
    names = Pseudonyms.from_environment() if now["tracking"]["pseudonymise"] else None
    if before == names_tags(names)[NAMES_TAG]:
        return
    if before == REAL:
        raise ConfigError(
            f"{what}: the run knows its patients by their own names; leave out "
            f"tracking.pseudonymise=true."
        )
    key = f"{KEY_VARIABLE} holds another key than" if names else "it needs the key of"
    raise ConfigError(
        f"{what}: the run knows its patients by pseudonyms: set tracking.pseudonymise=true; {key} "
        f"that run."
    )


def build_splitter(config: Config, index: pd.DataFrame, names: Pseudonyms | None) -> Splitter:
    """The configured split, which may name patients by their pseudonyms.

    Args:
        config: The resolved configuration.
        index: The index with the patients' own names.
        names: Their pseudonyms, or None.
    """
    node = dict(config["split"])
    if names is not None:
        known = {names.of(patient): patient for patient in index["patient"].unique()}
        for key in {"test_patients", "val_patients"} & node.keys():
            node[key] = [known.get(str(name), name) for name in node[key] or ()]
    splitter: Splitter = build(node, "split")
    if names is not None and node.get("file") and _names_pseudonyms(Path(node["file"])):
        return PseudonymousSplit(splitter, names)
    return splitter


def _names_pseudonyms(file: Path) -> bool:
    known = read_split_csv(file)
    return bool(known.table["key"].astype(str).str.match(PSEUDONYM).any())


@dataclass(frozen=True)
class PseudonymousSplit:
    """A split whose file knows the patients by their pseudonyms.

    Attributes:
        split: The split.
        names: The pseudonyms.
    """

    split: Splitter
    names: Pseudonyms

    @property
    def leaky(self) -> bool:
        """See `Splitter.leaky`."""
        return self.split.leaky

    def assign(self, index: pd.DataFrame) -> "pd.Series[str]":
        """See `Splitter.assign`."""
        return self.split.assign(hide_patients(index, self.names))


def hide_patients(index: pd.DataFrame, names: Pseudonyms) -> pd.DataFrame:
    """The index with pseudonyms for patients, and file names that say nothing.

    Args:
        index: The index with ``patient``, ``path`` and, once it was audited, ``duplicate_of``.
        names: The pseudonyms.
    """
    paths = pd.Series(
        [names.of_path(g, p) for g, p in zip(index["patient"], index["path"], strict=True)],
        index=index.index,
        dtype=object,
    )
    new = dict(zip(index["path"], paths, strict=True))
    hidden = index.assign(patient=index["patient"].map(names.of), path=paths)
    if "duplicate_of" in index:
        hidden["duplicate_of"] = index["duplicate_of"].map(lambda path: new.get(path, ""))
    return hidden
