"""What a set that nobody has described seems to be: patients, columns, positive class."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from idc.data.sources.tree import FileTree

FEWEST = 3  # groups of images that may be patients
COVERED = 0.5  # share of the images that a pattern fits at least
PROPOSED = 6
PARTS = 4  # parts of a file's name, between its separators, that are looked at
NUMBERED = 0.9  # share of the names in which a word stands before a number
NEGATIVE = re.compile(
    r"(no|non|not|un|neg|negative|normal|benign|healthy|control|false|rest|other|0)([^a-z].*)?|"
    r"(un|non)[a-z]+",
    re.IGNORECASE,
)
# Words in the names of columns, the likeliest first.
WORDS = {
    "patient": r"patient|subject|case_?id|person|lesion|pid|slide|group",
    "label": r"label|class|target|diagnos|^dx$|finding|category",
    "split": r"split|fold|subset|partition",
}
LOOKED_AT = 200  # rows whose files are looked for
MOST_LABELS = 50
MANY_CLASSES = 10  # class folders, of which most holding the same folders are rather patients


def likely_positive(names: Sequence[str]) -> str:
    """The one of two classes whose name does not say that something is absent, or the last."""
    positive = [name for name in names if not NEGATIVE.fullmatch(name)]
    return positive[0] if len(positive) == 1 else names[-1]


def patient_patterns(
    paths: Sequence[str], labels: NDArray[np.int64], folders: Sequence[str]
) -> pd.DataFrame:
    """Patterns for ``data.patient_pattern`` that divide the images of a set into groups.

    Args:
        paths: Of the images, below the root.
        labels: Their classes, int (n,).
        folders: The class folder that each is in.

    Returns:
        One row per pattern, the likeliest first (how names begin, fits all images, few groups):
        ``pattern``, ``likely`` (bool), ``groups``, ``images per group`` (the median),
        ``of several classes`` (groups), ``not matched`` (images) and ``example`` (a group's name).
    """
    rows, partitions = [], set()
    inside = [path[len(folder) + 1 :] for path, folder in zip(paths, folders, strict=True)]
    for pattern, likely in _patterns(inside):
        if pattern == "folder":
            groups = pd.Series([p.rpartition("/")[0].rpartition("/")[2] or None for p in inside])
        else:
            found = map(re.compile(pattern).search, paths)
            groups = pd.Series([match["patient"] if match else None for match in found])
        count, matched = groups.nunique(), int(groups.notna().sum())
        codes = pd.factorize(groups)[0]
        # Images of their own, or next to no division, are no patients.
        if count < FEWEST or count > 0.9 * matched or matched < COVERED * len(paths):
            continue
        if (partition := codes.tobytes()) in partitions:
            continue
        partitions.add(partition)
        of_group = pd.DataFrame({"group": groups, "label": labels}).groupby("group")["label"]
        mixed = int(of_group.nunique().ge(2).sum())
        size = float(of_group.size().median())
        example = str(groups.dropna().iloc[0])
        rows.append((pattern, likely, count, size, mixed, len(paths) - matched, example))
    names = ["pattern", "likely", "groups", "images per group", "of several classes"]
    table = pd.DataFrame(rows, columns=[*names, "not matched", "example"])
    order = table.assign(
        late=~table["likely"].astype(bool),
        partial=table["not matched"] > 0,
        name=table["pattern"] != "folder",
    )
    keys = ["late", "partial", "name", "groups"]
    table = table.loc[order.sort_values(keys, kind="stable").index]
    return table.head(PROPOSED).reset_index(drop=True)


def _patterns(inside: Sequence[str]) -> Iterator[tuple[str, bool]]:
    """Regular expressions that may fit paths below class folders, and whether each is likely."""
    if any("/" in path for path in inside):
        yield "folder", True
    stems = [path.rpartition("/")[2].rpartition(".")[0] or path for path in inside]
    start, group = r"(?:^|/)", "(?P<patient>{})"
    for words in (r"\d+", r"[A-Za-z]+\d+", r"[A-Za-z]+\d+[A-Za-z]+\d+"):
        yield start + group.format(words) + r"[^/]*$", True
    heads = Counter(word for s in stems for word in set(re.findall(r"([A-Za-z]+)[_\-]?\d", s)))
    for word, count in heads.most_common(PARTS):
        if count >= NUMBERED * len(stems):
            likely = re.search(WORDS["patient"], word, re.IGNORECASE) is not None
            yield rf"(?<![A-Za-z]){word}[_\-]?" + group.format(r"\d+") + r"[^/]*$", likely
    field, between = r"[^/_\-. ]+", r"[_\-. ]"
    for number in range(1, PARTS):
        parts = between.join([field] * number)
        yield start + group.format(parts) + between + r"[^/]*$", True
        other = f"(?:{field}{between}){{{number}}}" if number > 1 else field + between
        yield start + other + group.format(field) + r"[^/]*$", False


def columns_of(table: pd.DataFrame, root: Path) -> dict[str, str]:
    """Options of ``data=table`` that a table seems to need, by their names.

    Args:
        table: Its cells as text.
        root: The folder of the images.
    """
    proposed: dict[str, str] = {}
    paths = _path_column(table.head(LOOKED_AT), root)
    if paths is not None:
        proposed["data.columns.path"], template = paths
        if template is not None:
            proposed["data.path_template"] = template
    counts = {name: int(table[name].nunique()) for name in table.columns}
    rest = [name for name in table.columns if name != proposed.get("data.columns.path")]
    for role, words in WORDS.items():
        likely = [name for name in rest if re.search(words, str(name), re.IGNORECASE)]
        if role == "label":
            likely = [name for name in likely if 2 <= counts[name] <= MOST_LABELS] or [
                n for n in likely if 2 <= counts[n] < len(table)
            ]
        if role == "patient":
            likely = [name for name in likely if counts[name] >= FEWEST]
            likely.sort(
                key=lambda name: not re.search(r"patient|subject", str(name), re.IGNORECASE)
            )
        if likely:
            proposed[f"data.columns.{role}"] = str(likely[0])
            rest.remove(likely[0])
            if role == "label" and table[likely[0]].str.contains("|", regex=False).any():
                proposed["data.labels_joined_by"] = "|"
    return proposed


def _path_column(rows: pd.DataFrame, root: Path) -> tuple[str, str | None] | None:
    """The column whose values lead to files, and the template that is needed for it."""
    names: Counter[str] = Counter()
    suffixes: Counter[str] = Counter()
    tree = FileTree(root)
    for folder, files in tree.walk(""):
        for file in files:
            if tree.is_image(folder, file):
                names[file] += 1
                suffixes[Path(file).suffix] += 1
    best: tuple[float, str, str | None] = (COVERED, "", None)
    for column in rows.columns:
        values = rows[column].astype(str)
        forms: Mapping[str | None, float] = {
            None: values.map(lambda v: bool(v) and (root / v).is_file()).mean(),
            "**/*": values.isin(names.keys()).mean(),
            **{f"**/*{s}": (values + s).isin(names.keys()).mean() for s in suffixes},
        }
        for form, share in forms.items():
            if share > best[0]:
                best = (float(share), str(column), form)
    return (best[1], best[2]) if best[1] else None


def common_folders(folders: Sequence[str], tree: FileTree) -> tuple[str, ...]:
    """Folders that lie in most of many class folders: the classes, if those are the patients."""
    if len(folders) < MANY_CLASSES:
        return ()
    inner = Counter(n for folder in folders for n in tree.list_folder(folder)[0])
    common = sorted(name for name, count in inner.items() if count > COVERED * len(folders))
    return tuple(common) if 2 <= len(common) < MANY_CLASSES else ()


def tables_in(root: Path) -> list[str]:
    """The tables that lie in a folder."""
    return sorted(p.name for p in root.glob("*") if p.suffix.lower() in (".csv", ".parquet"))
