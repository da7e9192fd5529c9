"""The folders and files below a root, each listed once, with a count of all that is passed over."""

import os
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from idc.data.decode import DICOM_MARK, DICOM_PREAMBLE, RADIOLOGY, SUFFIXES, is_dicom
from idc.errors import DataError

ALL = (*SUFFIXES, *RADIOLOGY)
IMAGE = re.compile(rf".+\.({'|'.join(map(re.escape, ALL))})", re.IGNORECASE | re.DOTALL)
NO_SUFFIX = re.compile(r"[^.]+|.+\.\d*")  # the name is a number, or one of DICOM's such as 1.2.840
NO_IMAGE = f"no image by its name ({', '.join(f'.{suffix}' for suffix in ALL)})"
TOO_DEEP = "below the folders of the classes"
NO_FILE = "no ordinary file (a pipe, a device, or a link that leads nowhere)"
NO_UTF8 = "a name that is not UTF-8"
LINKED = "a link to a folder that holds it, or that lies too deep to be followed"
HIDDEN = "hidden and system files"
OF_ARCHIVE = "files of the archive that are no images"
# What operating systems leave in folders, beside names that begin with a dot.
SYSTEM = frozenset(
    ("__macosx", "thumbs.db", "ehthumbs.db", "desktop.ini", "lost+found", "$recycle.bin")
)
EXAMPLES = 5
NEVER = -1  # the time of a folder that could not be listed: it is always looked at again


@dataclass(frozen=True)
class NotRead:
    """Files below a data set's root that no row of its index stands for.

    Attributes:
        why: Why they are not read: what they are, or where they lie.
        files: How many there are.
        examples: Paths of a few, relative to the root, as they can be printed.
    """

    why: str
    files: int
    examples: tuple[str, ...] = ()

    def __str__(self) -> str:
        more = ", ..." if self.files > len(self.examples) else ""
        named = f" ({', '.join(self.examples)}{more})" if self.examples else ""
        return f"{self.files:,} x {self.why}{named}"

    def without_names(self) -> "NotRead":
        """The same without the paths, in which patients' names stand."""
        return replace(self, examples=())


class FileTree:
    """Lists folders below a root and keeps account of what no patch is read from.

    Args:
        root: The folder that all paths are relative to.

    Attributes:
        folders: Each folder that was listed to when it was last changed before that, ns since
            1970; see `idc.data.sources.base.Scan`.
        ignored: What was left out on purpose to how often.
    """

    def __init__(self, root: Path) -> None:
        self.root = str(root)
        self.folders: dict[str, int] = {}
        self.ignored: Counter[str] = Counter()
        self._counts: Counter[str] = Counter()
        self._examples: dict[str, list[str]] = {}

    @property
    def not_read(self) -> tuple[NotRead, ...]:
        """What was passed over, the most frequent reason first."""
        counted = sorted(self._counts.items(), key=lambda pair: (-pair[1], pair[0]))
        return tuple(NotRead(why, n, tuple(self._examples[why])) for why, n in counted)

    def list_folder(self, folder: str, follow: bool = True) -> tuple[list[str], list[str]]:
        """The names of the folders and of the ordinary files in a folder, sorted.

        Hidden files and those of the operating system are ignored; what is neither file nor folder,
        cannot be opened, or has a name that cannot be written down is counted as not read.

        Args:
            folder: Relative to the root; "" is the root.
            follow: Whether links to folders are folders. One that leads back to a folder that
                holds it never is: it would have no end.
        """
        path = f"{self.root}/{folder}" if folder else self.root
        folders: list[str] = []
        files: list[str] = []
        others: dict[str, list[str]] = {}
        try:
            # Before the listing: what changes meanwhile makes a store stale, not wrong.
            self.folders[folder or "."] = os.stat(path).st_mtime_ns  # noqa: PTH116
            with os.scandir(path) as entries:
                for entry in entries:
                    name = entry.name
                    if name.startswith(".") or name.lower() in SYSTEM:
                        self.ignored[HIDDEN] += 1
                        continue
                    plain = entry.is_file(follow_symlinks=False) and name.isascii()
                    kind = FILE if plain else _kind(entry, follow)
                    if kind == FILE:
                        files.append(name)
                    elif kind == FOLDER:
                        folders.append(name)
                    else:
                        others.setdefault(kind, []).append(name)
        except OSError as error:
            self.folders[folder or "."] = NEVER
            self._count([folder], f"a folder that cannot be opened ({error.strerror})")
        for why, names in others.items():
            self._count([below(folder, name) for name in sorted(names)], why)
        for name in sorted(folders):
            if not is_utf8(name):  # it cannot be written down; its files are counted
                self.pass_tree(below(folder, name), NO_UTF8)
        return sorted(filter(is_utf8, folders)), sorted(files)

    def is_image(self, folder: str, name: str) -> bool:
        """Whether a file is an image by its name or, without a suffix, by DICOM's mark."""
        if IMAGE.fullmatch(name):
            return True
        if not NO_SUFFIX.fullmatch(name):
            return False
        try:
            with open(f"{self.root}/{below(folder, name)}", "rb") as file:  # noqa: PTH123
                return is_dicom(file.read(DICOM_PREAMBLE + len(DICOM_MARK)))
        except OSError:
            return False

    def list_images(self, folder: str) -> list[str]:
        """The paths of the image files in a folder; what else lies there counts as not read."""
        folders, files = self.list_folder(folder)
        for name in folders:
            self.pass_tree(below(folder, name), TOO_DEEP)
        paths = [below(folder, name) for name in files]
        images = [path for path in paths if IMAGE.fullmatch(path)]
        self.pass_over([path for path in paths if not IMAGE.fullmatch(path)], NO_IMAGE)
        return images

    def pass_over(self, paths: Sequence[str], why: str) -> None:
        """Count files that are not read: for this reason if they are images by their names."""
        images = [path for path in paths if IMAGE.fullmatch(path)]
        self._count(images, why)
        if len(images) < len(paths):
            self._count([path for path in paths if not IMAGE.fullmatch(path)], NO_IMAGE)

    def pass_tree(self, folder: str, why: str) -> None:
        """Count all files below a folder as not read."""
        for path, names in self.walk(folder):
            self.pass_over([below(path, name) for name in names], why)

    def ignore_tree(self, folder: str, what: str) -> None:
        """Count all files below a folder as left out on purpose."""
        self.ignored[what] += sum(len(names) for _, names in self.walk(folder))

    def walk(self, top: str) -> Iterable[tuple[str, list[str]]]:
        """A folder and all below it, each with the names of its files, in order."""
        waiting = [top]
        while waiting:
            folder = waiting.pop()
            folders, files = self.list_folder(folder, follow=False)
            waiting += [below(folder, name) for name in reversed(folders)]
            yield folder, files

    def note_time(self, path: str) -> None:
        """Record when a folder or a file, relative to the root or absolute, was last changed."""
        try:
            self.folders[path] = os.stat(os.path.join(self.root, path)).st_mtime_ns  # noqa: PTH116, PTH118
        except OSError:
            self.folders[path] = NEVER

    def _count(self, paths: Sequence[str], why: str) -> None:
        if paths:
            self._counts[why] += len(paths)
            shown = self._examples.setdefault(why, [])
            shown += [printable(path) or "." for path in paths[: EXAMPLES - len(shown)]]


FILE, FOLDER = "file", "folder"


def find_folder(root: Path, names: Sequence[str], places: Sequence[str]) -> str:
    """Where the folders of a set lie below its root, "" or a path that ends with a slash.

    Args:
        root: The folder that was given.
        names: Folders that lie side by side.
        places: Where they may lie, relative to the root.

    Raises:
        DataError: They lie nowhere of it; says where they were seen instead.
    """
    places = [place and f"{place.rstrip('/')}/" for place in places]
    for place in places:
        if all((root / place / name).is_dir() for name in names):
            return place
    problem = f"data.root: {root} does not hold the folders {', '.join(names)}"
    present = [n for place in places for n in names if (root / place / n).is_dir()]
    if present:
        missing = [name for name in names if name not in present]
        raise DataError(f"{problem}: {', '.join(missing)} is missing. Unpack the whole archive.")
    nearby = [root.parent, *(p for p in sorted(root.glob("*")) if p.is_dir())]
    for other in nearby:
        if all((other / name).is_dir() for name in names):
            raise DataError(f"{problem}. They lie in {other}: set data.root={other}.")
    raise DataError(f"{problem}. Give the folder that the archive was unpacked into.")


def _kind(entry: "os.DirEntry[str]", follow: bool) -> str:
    """`FILE`, `FOLDER`, or why an entry is neither."""
    try:
        if entry.is_file():
            return FILE if is_utf8(entry.name) else NO_UTF8
        if not entry.is_dir():
            return NO_FILE
        if entry.is_symlink() and (not follow or _leads_back(entry.path)):
            return LINKED
    except OSError:  # a link to itself
        return NO_FILE
    return FOLDER


def _leads_back(link: str) -> bool:
    target, holder = os.path.realpath(link), os.path.realpath(os.path.dirname(link))  # noqa: PTH120
    return os.path.commonpath((target, holder)) == target


def below(folder: str, name: str) -> str:
    """The path of a name in a folder that is relative to the root, "" for the root."""
    return f"{folder}/{name}" if folder else name


def is_utf8(name: str) -> bool:
    """Whether a name that the file system gave can be written into a table."""
    return name.isascii() or printable(name) == name


def printable(name: str) -> str:
    """A file's name for a message, bytes that are not UTF-8 in hex."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")
