"""The ``idc`` command: ``idc train ...`` is ``python -m idc.train ...``, and so on."""

import sys
from importlib import import_module
from pathlib import Path

from idc import __version__
from idc.config.reference import first_sentence
from idc.config.schema.apps import APPS
from idc.launch.completion import FLAGS as COMPLETION
from idc.launch.completion import script
from idc.launch.help import HELP
from idc.launch.refused import nearest

USAGE = 2  # the exit code of a command line that means nothing


def main() -> None:
    """Entry point of the command; the exit codes are those of the app."""
    name, *rest = sys.argv[1:] or HELP[:1]
    if name in HELP:
        print(_listed())
    elif name == "--version":
        print(f"idc {__version__}")
    elif name in COMPLETION:
        print(script(tuple(APPS)))
    elif name in APPS:
        module = import_module(f"idc.{name}")
        # As with -m: runs log the command that they were started by.
        sys.argv = [str(Path(str(module.__file__))), *rest]
        module.main()
    else:
        meant = nearest(name, APPS)
        guess = f" did you mean {meant}?" if meant else ""
        print(f"error: {name}: there is no such app;{guess} idc lists them.", file=sys.stderr)
        sys.exit(USAGE)


def _listed() -> str:
    title = "Experiment-tracked classification of histopathology patches."
    lines = [f"  idc {app:9} {first_sentence(kind)}" for app, kind in APPS.items()]
    more = "idc APP --help shows its options, idc --version the version."
    return "\n".join([title, "", *lines, "", more])


if __name__ == "__main__":
    main()
