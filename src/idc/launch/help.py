"""What ``--help`` prints: usage, examples, groups, and every option with its explanation."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from idc.config.reference import Section, choices_on, first_sentence, sections, shown_value
from idc.config.schema.apps import APPS
from idc.config.tree import choices_of, chosen_tree
from idc.config.values import look_up

HELP = ("--help", "-h")
WIDTH = 40  # of an option and its value
LARGE = 20  # options of a part from which on it is only named, unless it is named after --help
ABSENT = object()
FLAGS = (
    ("-m", "run every combination of values that commas separate, as a sweep"),
    ("--cfg job", "print the configuration as composed, and do nothing"),
    ("--config-dir DIR", "read your own choices of groups from DIR/GROUP/NAME.yaml too"),
    ("--help PART ...", "list the options of these parts: --help audit explain.faithfulness"),
    ("--hydra-help", "Hydra's own flags"),
)
EXAMPLES = {
    "train": (
        ("", "on synthetic patches"),
        ("data=idc data.root=DIR", "on the patches of a folder in the Kaggle layout"),
        ("backbone=resnet50 backbone.weights=imagenet trainer.max_epochs=20", "fine-tune"),
        ("-m backbone=resnet50,vgg16 seed=1,2", "four runs, compared at the end"),
        ("-m split.folds=5 'split.fold=range(0,5)'", "cross-validation by patients"),
        ("resume=RUN trainer.max_epochs=40", "go on with a run"),
    ),
    "prepare": (
        ("", "the synthetic set"),
        ("data=idc data.root=DIR", "check, pack and show a data set"),
        ("data=idc data.root=DIR report=false", "check and pack only"),
        ("data=idc data.root=DIR verify=true", "compare every packed patch with its hash"),
        ("data=idc data.root=DIR audit=strict", "refuse what training would refuse"),
        ("data=idc data.root=DIR split.folds=5", "show the folds"),
    ),
    "evaluate": (
        ("run=RUN", "the run's own test split once more"),
        ("run=RUN data=idc data.root=DIR", "another site's patches"),
        ("run=RUN data=idc data.root=DIR known_patients=drop", "without patients trained on"),
        ("run=RUN inference=tta", "the mean over flips and rotations"),
        ("run=SWEEP", "a sweep's jobs as an ensemble"),
        ("run=RUN explain=none report=false", "numbers and tables only"),
    ),
    "compare": (
        ("sweep=SWEEP", "the settings of a sweep"),
        ("'runs=[RUN,RUN]'", "some runs"),
        ("experiment_name=idc", "all finished trainings of an experiment"),
        ("sweep=SWEEP intervals.draws=10000", "with finer intervals"),
        ("sweep=SWEEP report=false", "without the figures of each setting"),
        ("sweep=SWEEP tracking.experiment=final", "logged to another experiment"),
    ),
    "explain": (
        ("run=RUN explain.select=errors", "the worst errors"),
        ("run=RUN explain.select=patient=8863", "a whole patient"),
        ("run=RUN explain.select=files=list.txt", "patches by name"),
        ("run=RUN 'explain=[gradcam,occlusion,deeplift]'", "by other methods"),
        ("run=RUN explain.slides.patients=all explain.slides.tiff=true", "all slide maps"),
        ("run=RUN explain.parts=true", "faithfulness, features and slide maps anew"),
    ),
    "review": (
        ("run=RUN", "a page on this machine"),
        ("run=RUN order=suspects count=50", "labels that the model contradicts"),
        ("run=RUN select=patient=8863", "one patient"),
        ("run=RUN mode=open", "with the model's answer in sight"),
        ("run=RUN host=0.0.0.0 ssl_certfile=C ssl_keyfile=K", "for other machines"),
        ("run=RUN serve=false", "results of the answers there are"),
    ),
    "signoff": (
        ("run=RUN", "one page to print, and a PDF"),
        ("run=RUN purpose='pre-screening, in research'", "with what it is approved for"),
        ("run=RUN 'roles=[pathologist,head of laboratory]'", "who signs"),
        ("run=RUN pdf=false", "the page alone"),
        ("run=RUN tracking.uri=URI", "of a run on a server"),
        ("run=RUN paths.root=DIR", "of a run below another folder"),
    ),
    "gc": (
        ("", "list runs whose process is gone"),
        ("apply=true", "close them"),
        ("tracking=server tracking.uri=URI", "on a server"),
        ("tracking.experiment=NAME", "of another experiment"),
        ("paths.root=DIR", "below another folder"),
        ("paths.mlruns=DIR", "in another store"),
    ),
    "sync": (
        ("", "deliver all journals"),
        ("tracking.uri=URI", "to this server"),
        ("tracking=server", "to the server of MLFLOW_TRACKING_URI"),
        ("paths.root=DIR", "those below another folder"),
        ("paths.mlruns=DIR", "those beside another store"),
        ("--cfg job", "show where they would be looked for"),
    ),
}


def wants_help(arguments: Sequence[str]) -> bool:
    """Whether a command line asks for help."""
    return any(argument in HELP for argument in arguments)


def help_text(app: str, arguments: Sequence[str]) -> str:
    """The help of an app, with the choices and of the parts that its command line names."""
    named = {a for a in arguments if "=" not in a and not a.startswith("-")}
    return "\n".join(_options_of(app, arguments, named) if named else _help(app, arguments))


def _help(app: str, arguments: Sequence[str]) -> Iterator[str]:
    yield from (first_sentence(APPS[app]), "")
    yield from (f"usage: idc {app} [GROUP=CHOICE ...] [OPTION=VALUE ...]", "", "examples:")
    for command, words in EXAMPLES[app]:
        yield _line(f"  idc {app} {command}".rstrip(), words, 72)
    yield from ("", "groups (* is chosen):")
    for group, chosen in choices_on(arguments, app).items():
        if group != "hydra":
            marked = (f"{one}*" if one == chosen else one for one in choices_of(group))
            yield f"  {group}: {', '.join(marked)}"
    yield ""
    yield from _options_of(app, arguments, set())
    yield from ("", "flags:", *(_line(f"  {flag}", words, 20) for flag, words in FLAGS), "")
    yield "docs/configuration.md has ranges, and the meaning of each choice."


def _options_of(app: str, arguments: Sequence[str], named: set[str]) -> Iterator[str]:
    tree = chosen_tree(choices_on(arguments, app), app)
    shown = [(section, _rows(section, tree)) for section in sections(app)]
    sizes = Counter[str]()
    for section, rows in shown:
        sizes[section.name.partition(".")[0]] += len(rows)
    for section, rows in shown:
        outer = section.name.partition(".")[0]
        within = any(section.name == one or section.name.startswith(f"{one}.") for one in named)
        if not rows or (named and not within):
            continue
        title = section.title or "options of no part"
        large = len(rows) > LARGE or (sizes[outer] > LARGE and section.name != outer)
        if large and not named:
            yield f"{section.name}: {title} ({len(rows)} options: --help {section.name})"
            continue
        yield f"{section.name}: {title}" if section.name else f"{title}:"
        yield from rows


def _rows(section: Section, tree: Mapping[str, Any]) -> list[str]:
    rows = []
    for one in section.options:
        if (value := look_up(tree, one.name, ABSENT)) is not ABSENT:
            shown = "" if isinstance(value, dict) else shown_value(value)
            shown = shown if len(shown) <= WIDTH else "[...]"
            rows.append(_line(f"  {one.name}={shown}", one.help, WIDTH))
    return rows


def _line(left: str, right: str, width: int) -> str:
    return f"{left:{width}}  {right}" if right else left
