"""What must not leave the machine with a run: absolute paths, the host's name, patients' names."""

import hashlib
import hmac
import os
import platform
import re
import sys
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from idc.errors import ConfigError
from idc.runtime.redaction import redact, redact_uris

KEY_VARIABLE = "IDC_PSEUDONYM_KEY"
KEY_LENGTH = 16
HIDDEN = "<not logged>"
PSEUDONYM = re.compile(r"p-[0-9a-f]{12}")
SHORTEST_NAME = 3  # characters; a shorter host name would take letters out of words
# An absolute path in running text: from a slash that nothing of a path or URL comes before.
# Blanks end it, as they part a command's words: folders with blanks must be known (`know`).
ABSOLUTE = re.compile(r"(?<![\w.:/~>\-…])/(?:[\w.+@=,-]+/)+([\w.+@=-]*)")
SQLITE = re.compile(r"(sqlite:///)(?:/(?:[^/\s'\"]+/)+|%2F(?:[^/\s'\"]+%2F)+)")
FILE_URI = re.compile(r"file://(?:/[^/\s'\"]+)+/")


def public(uri: str) -> str:
    """A URI without user, password and the values of its query, whatever the environment holds."""
    return redact_uris(uri)


class Pseudonyms:
    """Keyed hashes in place of patients' names: the same key gives the same name in every run.

    HMAC-SHA256 (RFC 2104), cut to 48 bits. Without the key a name cannot be found by hashing all
    candidates, as it could be with a plain hash.

    Args:
        key: The secret.
    """

    def __init__(self, key: str) -> None:
        self._key = key.encode()

    @classmethod
    def from_environment(cls) -> "Pseudonyms":
        """With the key that ``IDC_PSEUDONYM_KEY`` holds, which is never logged.

        Raises:
            ConfigError: It is not set, or too short to be a secret.
        """
        key = os.environ.get(KEY_VARIABLE, "")
        if len(key) < KEY_LENGTH:
            raise ConfigError(
                f"tracking.pseudonymise: {KEY_VARIABLE} is "
                f"{'too short' if key else 'not set'}; it must hold a secret of {KEY_LENGTH} "
                f"characters or more, the same for all runs that are to be compared. Make one with "
                f"'openssl rand -hex 32' and keep it: without it nobody can tell who is who."
            )
        return cls(key)

    def of(self, name: object) -> str:
        """The pseudonym of a patient, ``p-`` and 12 hex digits; that of a pseudonym is itself."""
        text = str(name)
        return text if PSEUDONYM.fullmatch(text) else f"p-{self._digest(text)}"

    def of_path(self, patient: str, path: str) -> str:
        """What stands for a patch's file: file names tell of patients and accession numbers."""
        return f"{self.of(patient)}/{self._digest(path)}"

    def _digest(self, text: str) -> str:
        return hmac.new(self._key, text.encode(), hashlib.sha256).hexdigest()[:12]


class Redactor:
    """Takes out of texts what must not be logged.

    Args:
        paths: Whether absolute paths and the host's name are taken out.
        pseudonyms: In place of patients, or None to leave their names.
        root: What is written as ``.``: the folder of runs and store.
    """

    def __init__(self, paths: bool, pseudonyms: Pseudonyms | None, root: Path) -> None:
        self.paths = paths
        self.pseudonyms = pseudonyms
        self._patients: re.Pattern[str] | None = None
        here = {str(root.absolute()), str(root.resolve()), str(Path.cwd())}
        named = [(place, ".") for place in here if place != "/"]
        named += [(sys.prefix, "<env>"), (sys.base_prefix, "<python>")]
        named += [(str(Path(__file__).parents[1]), "<idc>"), (tempfile.gettempdir(), "<tmp>")]
        named += [(str(Path.home()), "~")] if str(Path.home()) != "/" else []
        # The longest first: a folder in the home is told as such.
        self._places = sorted(named, key=lambda pair: -len(pair[0]))
        host = platform.node()
        self._host = (
            re.compile(rf"(?<![\w.-]){re.escape(host)}(?![\w-])")
            if len(host) >= SHORTEST_NAME and host != "localhost"
            else None
        )

    def learn(self, patients: Iterable[object]) -> None:
        """Tell the names of the patients, which stand in messages and in file names."""
        if self.pseudonyms is None:
            return
        names = {str(p) for p in patients if not PSEUDONYM.fullmatch(str(p))} - {""}
        if names:
            longest = "|".join(re.escape(n) for n in sorted(names, key=len, reverse=True))
            self._patients = re.compile(rf"(?<![0-9A-Za-z])(?:{longest})(?![0-9A-Za-z])")

    def know(self, paths: Iterable[str]) -> None:
        """Tell absolute paths that may stand in texts, whatever their names look like."""
        known = [(p.rstrip("/"), f"…/{p.rstrip('/').rpartition('/')[2]}") for p in paths]
        self._places = sorted({*self._places, *known}, key=lambda pair: -len(pair[0]))

    def value(self, text: str) -> str:
        """A value without absolute paths and passwords.

        Patients stand in no value: whatever makes them knows pseudonyms only. To look for names
        that are short numbers here would change numbers.
        """
        text = redact(text)
        if self.paths:
            for place, name in self._places:
                text = re.sub(rf"(?<![\w.-]){re.escape(place)}(?=[/\s'\":,;)\]]|$)", name, text)
            text = SQLITE.sub(r"\1…/", text)
            text = FILE_URI.sub("file://…/", text)
            text = ABSOLUTE.sub(r"…/\1", text)
        return text

    def text(self, text: str) -> str:
        """A text for people, such as a message, without what must not be logged."""
        text = self.value(text)
        if self.paths and self._host is not None:
            text = self._host.sub("<host>", text)
        if self.pseudonyms is not None and self._patients is not None:
            text = self._patients.sub(lambda m: self.pseudonyms_of(m[0]), text)
        return text

    def pseudonyms_of(self, name: str) -> str:
        """The pseudonym of a name; the name itself if patients are not hidden."""
        return name if self.pseudonyms is None else self.pseudonyms.of(name)

    def config(self, config: Mapping[str, Any]) -> dict[str, Any]:
        """A configuration as it may be logged.

        Absolute paths become ``<not logged>/NAME``, the folders of this machine are left out, and
        the patients that the split names get their pseudonyms.
        """
        plain = {k: v for k, v in config.items() if not (self.paths and k == "paths")}
        shown = {str(k): self._node(v, str(k)) for k, v in plain.items()}
        if "uri" in (shown.get("tracking") or {}):
            # It may hold a server's name, or a password.
            shown["tracking"] = {**shown["tracking"], "uri": None}
        return shown

    def _node(self, node: Any, place: str) -> Any:
        if isinstance(node, Mapping):
            return {k: self._node(v, f"{place}.{k}") for k, v in node.items()}
        if isinstance(node, list | tuple):
            return [self._node(v, f"{place}[]") for v in node]
        if self.pseudonyms is not None and place in PATIENT_LISTS:
            return self.pseudonyms.of(node)
        if isinstance(node, str):
            shown = redact(node)
            return hide(shown) if self.paths else shown
        return node


SPLIT_LISTS = ("split.test_patients", "split.val_patients")
PATIENT_LISTS = (
    *SPLIT_LISTS,
    *(f"{name}[]" for name in SPLIT_LISTS),
    "explain.slides.patients[]",  # not a number of patients
)
OVERRIDE = re.compile(
    r"^(\+*split\.(?:test|val)_patients|\+*explain\.slides\.patients(?==\[))=(.*)$", re.DOTALL
)


def hide(value: str) -> str:
    """An absolute path as ``<not logged>/NAME``; anything else as it is."""
    if not value.startswith(("sqlite:", "file:")) and not Path(value).is_absolute():
        return value
    return f"{HIDDEN}/{value.rstrip('/').rpartition('/')[2]}"


def hidden_values(config: Mapping[str, Any], place: str = "") -> dict[str, str]:
    """The values that `hide` takes out, dotted name to value: for the run's own folder."""
    found: dict[str, str] = {}
    for key, value in config.items():
        name = f"{place}{key}"
        if isinstance(value, Mapping):
            found |= hidden_values(value, f"{name}.")
        elif isinstance(value, str) and hide(value) != value:
            found[name] = value
    return found


def shown_settings(overrides: Iterable[str], redactor: Redactor) -> list[str]:
    """Overrides as they may be shown: pseudonyms for patients, file names for absolute paths.

    Two paths that end alike stay apart by a digest.

    Args:
        overrides: ``key=value`` each.
        redactor: What must not be shown.
    """
    shown = []
    for override in overrides:
        known = redact_override(override, redactor.pseudonyms)
        value = redactor.value(known)
        if value != known:
            value += f"#{hashlib.blake2b(known.encode(), digest_size=2).hexdigest()}"
        shown.append(value)
    return shown


def redact_override(override: str, pseudonyms: Pseudonyms | None) -> str:
    """A command-line override, or ``key=value``, whose named patients get their pseudonyms."""
    match = OVERRIDE.match(override)
    if pseudonyms is None or match is None:
        return override
    names = re.sub(r"[^\s\[\](),'\"]+", lambda m: pseudonyms.of(m[0]), match[2])
    return f"{match[1]}={names}"
