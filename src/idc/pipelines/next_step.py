"""What a prepared set seems to be, and the command that trains on it."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from idc.config.build import Config
from idc.config.tree import chosen_tree
from idc.data.audit.audit import suggested_window
from idc.data.audit.findings import FINDINGS, NARROW_RANGE
from idc.data.index import PREDEFINED
from idc.data.sources.base import Source
from idc.data.sources.folder import FolderSource
from idc.data.sources.propose import likely_positive, patient_patterns

PLAIN = frozenset("._-/+@%")  # beside letters and digits, what neither Hydra nor a shell changes
DERIVED = ("source", "card", "root")  # of ``data``: not for a command line, or written first


def assume_positive(source: Source) -> str | None:
    """Choose the positive one of two classes for a set that names none, and return it."""
    if source.positive is not None or source.joined_by is not None:
        return None
    if len(names := source.find_classes()) != 2:
        return None
    source.positive = likely_positive(names)
    return source.positive


def propose_patients(source: Source, index: pd.DataFrame) -> pd.DataFrame | None:
    """Patterns that may name the patients of class folders; None if that is settled."""
    if not isinstance(source, FolderSource) or source.patients_known:
        return None
    paths = index["path"].astype(str).tolist()
    folders = [source.class_folder(path) for path in paths]
    return patient_patterns(paths, index["label"].to_numpy(), folders)


def training_command(
    config: Config,
    source: Source,
    index: pd.DataFrame,
    findings: pd.DataFrame,
    patterns: pd.DataFrame | None,
) -> str:
    """The command that trains on a set as it was prepared.

    Args:
        config: Of the preparation.
        source: The set.
        index: With the facts of its files.
        findings: See `Decisions.table`.
        patterns: Of `propose_patients`; the first is taken if it is likely and fits all images.
    """
    choice, data = config["choices"]["data"], config["data"]
    words = [f"data={choice}"]
    if data.get("root"):
        words.append(_word("data.root", data["root"]))
    usual = chosen_tree({"data": choice}, "prepare")["data"]
    words += _changed(data, usual, "data")
    if source.positive is not None and data.get("positive") is None and choice != "synthetic":
        words.append(_word("data.positive", source.positive))
    if patterns is not None and len(patterns):
        first = patterns.iloc[0]
        if first["likely"] and not first["not matched"]:
            words.append(_word("data.patient_pattern", first["pattern"]))
    if PREDEFINED in index:
        words.append("split=predefined")
    strict = chosen_tree({"audit": "strict"})["audit"]
    for row in findings[findings["patches"] > 0].to_dict("records"):
        name = str(row["finding"])
        if strict.get(name) != "fail" or name in source.of_archive:
            continue
        if name == NARROW_RANGE:
            center, width = suggested_window(index)
            words.append(f"'data.window=[{center:g},{width:g}]'")
        else:
            words.append(f"audit.{name}={'keep' if FINDINGS[name].can_keep else 'drop'}")
    return " ".join(["python -m idc.train", *words])


def _changed(values: Mapping[str, Any], usual: Mapping[str, Any], place: str) -> list[str]:
    """The options of a set that differ from those of its YAML file."""
    words: list[str] = []
    for key, value in values.items():
        if key in DERIVED or value == usual.get(key) or str(usual.get(key)).startswith("${"):
            continue
        if isinstance(value, Mapping) and isinstance(usual.get(key), Mapping):
            words += _changed(value, usual[key], f"{place}.{key}")
        else:
            words.append(_word(f"{place}.{key}", value))
    return words


def _word(key: str, value: Any) -> str:
    """``KEY=VALUE`` as Hydra and a shell take it."""
    if value is None:
        return f"{key}=null"
    if isinstance(value, list | tuple):
        return f"'{key}=[{','.join(_quoted(str(one)) for one in value)}]'"
    text = str(value)
    if all(letter.isalnum() or letter in PLAIN for letter in text):
        return f"{key}={text}"
    return f'"{key}={_quoted(text)}"'


def _quoted(text: str) -> str:
    """A text in Hydra's quotes, where it needs them."""
    if all(letter.isalnum() or letter in PLAIN for letter in text):
        return text
    return "'" + text.replace("\\'", "'").replace("'", "\\'") + "'"
