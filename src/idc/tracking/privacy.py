"""Redaction of private information in runs: absolute paths, the host name, patient IDs."""

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
SHORTEST_NAME = 3  # characters; replacing a shorter host name would damage ordinary words
# An absolute path in running text: from a slash that does not continue a path or URL to the next
# blank; a link to a run in MLflow's interface is none. Paths with blanks must be registered
# (`Redactor.register_paths`).
ABSOLUTE = re.compile(r"(?<![\w.:/~>\-…])(?!/experiments/\w+/runs/)/(?:[\w.+@=,-]+/)+([\w.+@=-]*)")
SQLITE = re.compile(r"(sqlite:///)(?:/(?:[^/\s'\"]+/)+|%2F(?:[^/\s'\"]+%2F)+)")
FILE_URI = re.compile(r"file://(?:/[^/\s'\"]+)+/")


def public(uri: str) -> str:
    """A URI without user, password and query values, regardless of the environment."""
    return redact_uris(uri)


class Pseudonyms:
    """Pseudonyms of patient IDs: keyed hashes, the same in every run that uses the same key.

    HMAC-SHA256 (RFC 2104), truncated to 48 bits. Unlike a plain hash, it cannot be inverted by
    hashing all candidates without the key.

    Args:
        key: The secret key.
    """

    def __init__(self, key: str) -> None:
        self._key = key.encode()

    @classmethod
    def from_environment(cls) -> "Pseudonyms":
        """Create pseudonyms with the key in ``IDC_PSEUDONYM_KEY``, which is never logged.

        Raises:
            ConfigError: The variable is not set, or too short for a secret.
        """
        key = os.environ.get(KEY_VARIABLE, "")
        if len(key) < KEY_LENGTH:
            raise ConfigError(
                f"tracking.pseudonymise: {KEY_VARIABLE} is "
                f"{'too short' if key else 'not set'}; it must be a secret of {KEY_LENGTH} "
                f"characters or more, the same for all runs that are to be compared. Create one "
                f"with 'openssl rand -hex 32' and keep it: re-identifying patients needs it."
            )
        return cls(key)

    def of(self, name: object) -> str:
        """Pseudonym of a patient, ``p-`` and 12 hex digits; pseudonyms are returned unchanged."""
        text = str(name)
        return text if PSEUDONYM.fullmatch(text) else f"p-{self._digest(text)}"

    def of_path(self, patient: str, path: str) -> str:
        """Pseudonym of a patch's path, as file names may contain patient or accession numbers."""
        return f"{self.of(patient)}/{self._digest(path)}"

    def _digest(self, text: str) -> str:
        return hmac.new(self._key, text.encode(), hashlib.sha256).hexdigest()[:12]


class Redactor:
    """Removes private information from texts.

    Args:
        paths: Whether to remove absolute paths and the host name.
        pseudonyms: Replace patient IDs; None to keep these.
        root: The folder of runs and store, which is written as ``.``.
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
        # The longest first, as folders are nested.
        self._places = sorted(named, key=lambda pair: -len(pair[0]))
        host = platform.node()
        self._host = (
            re.compile(rf"(?<![\w.-]){re.escape(host)}(?![\w-])")
            if len(host) >= SHORTEST_NAME and host != "localhost"
            else None
        )

    def register_patients(self, patients: Iterable[object]) -> None:
        """Register patient IDs to redact from messages and file names."""
        if self.pseudonyms is None:
            return
        names = {str(p) for p in patients if not PSEUDONYM.fullmatch(str(p))} - {""}
        if names:
            longest = "|".join(re.escape(n) for n in sorted(names, key=len, reverse=True))
            self._patients = re.compile(rf"(?<![0-9A-Za-z])(?:{longest})(?![0-9A-Za-z])")

    def register_paths(self, paths: Iterable[str]) -> None:
        """Register absolute paths to redact, which may contain blanks."""
        registered = [(p.rstrip("/"), f"…/{p.rstrip('/').rpartition('/')[2]}") for p in paths]
        self._places = sorted({*self._places, *registered}, key=lambda pair: -len(pair[0]))

    def value(self, text: str) -> str:
        """Redact absolute paths and passwords in a value.

        Values never contain patient IDs, as they are computed from pseudonyms. Replacing IDs here,
        which may be short numbers, would damage numbers.
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
        """Redact everything private, patient IDs included, in a text such as a message."""
        text = self.value(text)
        if self.paths and self._host is not None:
            text = self._host.sub("<host>", text)
        if self.pseudonyms is not None and self._patients is not None:
            text = self._patients.sub(lambda m: self.pseudonym_of(m[0]), text)
        return text

    def pseudonym_of(self, name: str) -> str:
        """Pseudonym of a patient; the ID itself if patients are not pseudonymised."""
        return name if self.pseudonyms is None else self.pseudonyms.of(name)

    def config(self, config: Mapping[str, Any]) -> dict[str, Any]:
        """Redact a configuration for logging.

        Absolute paths become ``<not logged>/NAME``, the folders of this machine are removed, and
        patient IDs in the split are replaced by pseudonyms.
        """
        plain = {k: v for k, v in config.items() if not (self.paths and k == "paths")}
        shown = {str(k): self._node(v, str(k)) for k, v in plain.items()}
        if "uri" in (shown.get("tracking") or {}):
            # It may contain a server's name or a password.
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
    "explain.slides.patients[]",  # a list of IDs rather than a number of patients
)
OVERRIDE = re.compile(
    r"^(\+*split\.(?:test|val)_patients|\+*explain\.slides\.patients(?==\[))=(.*)$", re.DOTALL
)


def hide(value: str) -> str:
    """Return an absolute path as ``<not logged>/NAME``, anything else unchanged."""
    if not value.startswith(("sqlite:", "file:")) and not Path(value).is_absolute():
        return value
    return f"{HIDDEN}/{value.rstrip('/').rpartition('/')[2]}"


def hidden_values(config: Mapping[str, Any], place: str = "") -> dict[str, str]:
    """The values that `hide` removes, by dotted name, for the run's own folder."""
    values: dict[str, str] = {}
    for key, value in config.items():
        name = f"{place}{key}"
        if isinstance(value, Mapping):
            values |= hidden_values(value, f"{name}.")
        elif isinstance(value, str) and hide(value) != value:
            values[name] = value
    return values


def displayed_settings(overrides: Iterable[str], redactor: Redactor) -> list[str]:
    """Overrides for display: with pseudonyms of patients and file names of absolute paths.

    A digest keeps two paths with the same file name distinct.

    Args:
        overrides: ``key=value`` each.
        redactor: Removes private information.
    """
    shown = []
    for override in overrides:
        pseudonymised = redact_override(override, redactor.pseudonyms)
        value = redactor.value(pseudonymised)
        if value != pseudonymised:
            value += f"#{hashlib.blake2b(pseudonymised.encode(), digest_size=2).hexdigest()}"
        shown.append(value)
    return shown


def redact_override(override: str, pseudonyms: Pseudonyms | None) -> str:
    """Replace patient IDs in a command-line override by pseudonyms."""
    match = OVERRIDE.match(override)
    if pseudonyms is None or match is None:
        return override
    names = re.sub(r"[^\s\[\](),'\"]+", lambda m: pseudonyms.of(m[0]), match[2])
    return f"{match[1]}={names}"
