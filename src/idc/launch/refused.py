"""What Hydra refuses on a command line, in one sentence that says what was probably meant."""

import re
from collections.abc import Iterable, Sequence
from difflib import get_close_matches

from hydra.errors import HydraException, MissingConfigException, OverrideParseException

from idc.config.reference import choices_on, option_names
from idc.config.tree import choices_of, chosen_tree, default_choices
from idc.config.values import look_up

NO_SUCH_KEY = re.compile(r"(?:Could not override '|delete from config. ')([^']+)'")
NO_SUCH_CHOICE = re.compile(r"Could not (?:find|load) '([\w/]+)/([^/']+)'")
# Plugins of Hydra that are not part of every installation, and the extra that has each.
EXTRAS = {
    "hydra/launcher/joblib": "joblib",
    "hydra/launcher/submitit_slurm": "slurm",
}
SEVERAL = (
    "of several values one must be chosen; -m runs all of them as a sweep, and a list is written "
    "in brackets, [a,b]."
)
ABSENT = object()


def words_for(error: Exception, app: str, arguments: Sequence[str]) -> str:
    """Say what is wrong with a command line that Hydra has refused."""
    text = str(error)
    if isinstance(error, MissingConfigException) and (match := NO_SUCH_CHOICE.search(text)):
        return unknown_choice(match[1], match[2], error.options or choices_of(match[1]))
    if isinstance(error, OverrideParseException):
        return (
            f"{error.override}: give NAME=VALUE, and quote a value with '=', a comma or a bracket "
            f"in it: \"NAME='VALUE'\"."
        )
    if match := NO_SUCH_KEY.search(text):
        return unknown_option(match[1], app, arguments)
    if text.startswith("Ambiguous value"):
        return f"{text.splitlines()[0].removeprefix('Ambiguous value for argument ')}: {SEVERAL}"
    if text.startswith("Multiple values for "):
        group = text.split()[3].rstrip(".")
        return f"+{group}=...: {group} has a choice already; give {group}=... without the plus."
    shown = text.partition("Config search path")[0] if isinstance(error, HydraException) else text
    return " ".join(shown.split()) or type(error).__name__


def nearest(word: str, words: Iterable[str]) -> str | None:
    """The word that was probably meant, or None."""
    return next(iter(get_close_matches(word, list(words), 1, 0.6)), None)


def unknown_choice(group: str, choice: str, there: Sequence[str]) -> str:
    """Say that a group has no such choice, and which was probably meant, or what to install."""
    if (extra := EXTRAS.get(f"{group}/{choice}")) is not None:
        return (
            f"{group}={choice} is not installed: install idc with its extra, idc[{extra}] "
            f"(in a clone: uv pip install -p .venv -e '.[{extra}]')."
        )
    meant = nearest(choice, there)
    guess = f" did you mean {group}={meant}?" if meant else ""
    return f"{group}={choice}: there is no such choice;{guess} There are {', '.join(there)}."


def unknown_option(name: str, app: str, arguments: Sequence[str]) -> str:
    """Say that an app has no such option, with these choices, and which was probably meant."""
    group = name.partition(".")[0]
    tree = chosen_tree(choices_on(arguments, app), app)
    names = option_names(tree)
    if group in default_choices(app) and "." in name:
        having = [
            choice
            for choice in choices_of(group)
            if look_up(chosen_tree({group: choice}, app), name, ABSENT) is not ABSENT
        ]
        if having:
            chosen = choices_on(arguments, app)[group]
            return (
                f"{name}: {group}={chosen} has no such option; it is one of {group}="
                f"{', '.join(having)}."
            )
    meant = nearest(name, [*names, *default_choices(app)])
    if meant is None or meant.partition(".")[0] != group:
        # A name without its part, or with another's: max_epoch for trainer.max_epochs.
        last = nearest(name.rpartition(".")[2], [one.rpartition(".")[2] for one in names])
        meant = next((one for one in names if one.rpartition(".")[2] == last), meant)
    guess = f" did you mean {meant}?" if meant else ""
    return (
        f"{name}: there is no such option;{guess} idc {app} --help lists all, and a plus adds one "
        f"of a library's: +{name}=..."
    )
