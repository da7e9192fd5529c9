"""The options as a reader sees them: from the schema and ``conf/``, without composing anything.

``python -m idc.config.reference`` prints ``docs/configuration.md``.
"""

import inspect
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from idc.config.schema.apps import APPS
from idc.config.schema.option import BY_CHOICE, Option, options, parts
from idc.config.tree import choices_of, chosen_tree, conf_dir, default_choices, has_choice
from idc.config.values import look_up

FROM_ENVIRONMENT = re.compile(r"\$\{oc\.env:\w+,(.*)\}")
FOLLOWS = re.compile(r"\$\{idc\.when:\$\{explain\.parts\},(.*),(.*)\}")


@dataclass(frozen=True)
class Section:
    """The options of one part.

    Attributes:
        name: The part's dotted name; empty for options of no part.
        title: What the part is.
        options: Its own, without those of the parts within.
    """

    name: str
    title: str
    options: Sequence[Option]


def sections(app: str) -> Iterator[Section]:
    """The parts of an app, in order, with the options that a reader may set."""
    kind = APPS[app]
    shown = [one for one in options(kind) if not one.name.rpartition(".")[2].startswith("_")]
    titles = {"": "", **{name: first_sentence(part) for name, part in parts(kind)}}
    for name, title in titles.items():
        own = [one for one in shown if _part_of(one.name, titles) == name]
        if own:
            yield Section(name, title, own)


def first_sentence(kind: type) -> str:
    """The first line of a class's docstring."""
    return inspect.getdoc(kind).partition("\n")[0]  # type: ignore[union-attr]


def meaning(group: str, choice: str) -> str:
    """What a choice is for: the comment at the top of its file; maybe nothing."""
    lines = (conf_dir() / group / f"{choice}.yaml").read_text(encoding="utf-8").splitlines()
    comment = []
    for line in lines:
        if not line.startswith("#"):
            break
        if not line.startswith("# @package"):
            comment.append(line.removeprefix("# "))
    return " ".join(comment)


def choices_on(arguments: Sequence[str], app: str) -> Mapping[str, Any]:
    """The choice of each group: the command line's, or else the app's own."""
    given = dict(argument.lstrip("+").partition("=")[::2] for argument in arguments)
    return {
        group: given[group] if has_choice(group, given.get(group, "")) else choice
        for group, choice in default_choices(app).items()
    }


def shown_value(value: Any) -> str:
    """A default as it is written on a command line."""
    if isinstance(value, str):
        return "" if value == "???" else FROM_ENVIRONMENT.sub(r"\1", FOLLOWS.sub(r"\1", value))
    return json.dumps(value, separators=(",", ":")).replace('"', "")


def option_names(tree: Mapping[str, Any], place: str = "") -> list[str]:
    """The dotted names of all values of a tree that a reader may set."""
    names: list[str] = []
    for key, value in tree.items():
        if isinstance(value, Mapping) and value:
            names += option_names(value, f"{place}{key}.")
        elif not key.startswith("_"):
            names.append(f"{place}{key}")
    return names


def page() -> str:
    """``docs/configuration.md``."""
    lines = [HEAD]
    lines += ["| group | choices |", "|---|---|"]
    for group, default in default_choices("train").items():
        if group != "hydra":
            marked = [f"**{c}**" if c == default else c for c in choices_of(group)]
            lines.append(f"| `{group}` | {', '.join(marked)} |")
    lines += ["", "What a choice is for:", "", "| | |", "|---|---|"]
    for group in default_choices("train"):
        for choice in choices_of(group):
            if group != "hydra" and (words := meaning(group, choice)):
                lines.append(f"| `{group}={choice}` | {_escaped(words)} |")
    seen: set[str] = set()
    for app, kind in APPS.items():
        lines += ["", f"## idc {app}", "", first_sentence(kind)]
        known = []
        for section in sections(app):
            if section.name and section.name in seen:
                known.append(f"`{section.name}`")
                continue
            seen.add(section.name)
            lines += _table(section, chosen_tree(default_choices(app), app))
        if known:
            lines += ["", f"As above: {', '.join(known)}."]
    return "\n".join(lines) + "\n"


def _table(section: Section, tree: Mapping[str, Any]) -> Iterator[str]:
    if section.name:
        yield from ("", f"### `{section.name}`", "", section.title)
    yield from ("", "| option | default | values | meaning |", "|---|---|---|---|")
    for one in section.options:
        value = look_up(tree, one.name, "???") if one.default == BY_CHOICE else one.default
        default = f"`{text}`" if (text := shown_value(value)) else ""
        cells = (f"`{one.name}`", default, one.rule.words, one.help)
        yield f"| {' | '.join(map(_escaped, cells))} |"


def _escaped(cell: str) -> str:
    return cell.replace("|", "\\|")


def _part_of(name: str, among: Mapping[str, str]) -> str:
    part = name.rpartition(".")[0]
    while part not in among:
        part = part.rpartition(".")[0]
    return part


HEAD = """# Configuration

Made by `make docs` from the schema (`src/idc/config/schema/`), where each option has its type,
range, default and meaning.

Any option is set on the command line as `NAME=VALUE`, a choice of a group as `GROUP=CHOICE`; a
value that cannot work is refused by name before anything is opened. `idc APP --help` shows the
options of an app as they are with your choices. A file of your own below `DIR/GROUP/` is a choice
with `--config-dir DIR`: it holds what differs from the schema.

**Lightning's callbacks, loggers and profilers** need no code of ours:
`+callbacks.rates._target_=pytorch_lightning.callbacks.DeviceStatsMonitor`,
`+logger.csv._target_=pytorch_lightning.loggers.CSVLogger` (also `TensorBoardLogger`, `WandbLogger`;
it saves to the run's folder unless `save_dir` says otherwise), `trainer.profiler=simple` (its
report lies in the run's folder). Further arguments follow in the same way: `+logger.csv.name=csv`.
They belong to the command, not to the run: nobody has to trust them to use the run, and a resumed
run is given them anew. Other arguments of a library's class are added with a plus:
`+trainer.detect_anomaly=true`, `+optimizer.alpha=0.9`.

**Tab completion**, in bash or zsh (there after `autoload -Uz bashcompinit && bashcompinit`): `eval
"$(idc --shell-completion)"` completes apps, groups, choices and options. It asks Hydra's own
completion, which `python -m idc.train --shell-completion query=bash` gives too.

## Groups

The default of `idc train` is printed bold.
"""


if __name__ == "__main__":
    print(page(), end="")
