"""Pseudonyms in place of the patients' names in all that is logged."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from idc.config.build import Config, build
from idc.data.sources.base import Source
from idc.data.split.base import Splitter
from idc.data.split.predefined import read_split_csv
from idc.errors import ConfigError
from idc.tracking.privacy import KEY_VARIABLE, PSEUDONYM, Pseudonyms

NAMES_TAG = "idc.patients"
REAL = "own names"
PATIENTS_TAG = "data.patients"
CHECK = "idc: whose key is this?"


def names_tags(names: Pseudonyms | None) -> dict[str, str]:
    """Tags that tell whether patients have pseudonyms, and by which key, without telling it."""
    return {NAMES_TAG: names.of(CHECK) if names else REAL}


def patients_tag(source: Source) -> str:
    """The tag `PATIENTS_TAG`: whether the data say which images are of one patient."""
    return "known" if source.patients_known else "unknown: leaks cannot be excluded"


def require_same_names(tags: Mapping[str, str], now: Config, what: str) -> None:
    """Refuse to continue a run under other names: its patients would not be recognised.

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
    """The configured split, whose lists may name patients by pseudonyms; the index has none."""
    node = dict(config["split"])
    if names is not None:
        own = {names.of(patient): patient for patient in index["patient"].unique()}
        for key in {"test_patients", "val_patients"} & node.keys():
            node[key] = [own.get(str(name), name) for name in node[key] or ()]
    splitter: Splitter = build(node, "split")
    return splitter


def names_pseudonyms(split: Mapping[str, Any]) -> bool:
    """Whether a split's file names patients by pseudonyms, as the file of a run does."""
    if not (file := split.get("file")):
        return False
    return bool(read_split_csv(file).table["key"].astype(str).str.match(PSEUDONYM).any())


def hide_patients(index: pd.DataFrame, names: Pseudonyms) -> pd.DataFrame:
    """An index, audited or not, with pseudonyms for patients and file names that say nothing."""
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
