"""What all apps share: how they start, say what is wrong, and end."""

import logging
import os
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.errors import HydraException
from hydra.types import RunMode
from omegaconf import DictConfig
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError

from idc import __version__
from idc.config.build import resolve
from idc.config.check import check, check_root
from idc.config.schema.apps import register
from idc.config.tree import conf_dir
from idc.errors import ConfigError
from idc.launch import sweep
from idc.launch.arguments import without_secrets
from idc.launch.disk import check_tracking, problem_with_folders
from idc.launch.help import help_text, wants_help
from idc.launch.terminal import make_printable, print_to_pipe, reporting_errors
from idc.runtime import cluster, orphans, signals
from idc.runtime.orphans import LAUNCHED
from idc.runtime.redaction import hide_secrets

# Waiting threads of OpenMP spin for milliseconds, which beside another training costs
# far more than it gains (benchmarks/threads.py). Must be set before torch is imported.
SPINS = "3000"
SEARCHES = ".OptunaSweeper"  # a sweeper that needs several trials
TRACEBACK = "HYDRA_FULL_ERROR"


def composes(app: str) -> Any:
    """Decorate an app's task: Hydra composes its configuration from the schema and ``conf/``."""
    register(app)
    return hydra.main(version_base="1.3", config_path=str(conf_dir()), config_name=app)


@contextmanager
def refusing(app: str) -> Iterator[None]:
    """Say what is wrong with a command line that Hydra refuses, and exit with 1.

    Raises:
        SystemExit: Hydra has refused something.
    """
    if os.environ.get(TRACEBACK) == "1":
        yield
        return
    os.environ[TRACEBACK] = "1"  # Hydra then raises, rather than to print and exit
    try:
        yield
    except (HydraException, OmegaConfBaseException, YAMLError, ValueError) as error:
        from idc.launch.refused import words_for

        print(f"error: {words_for(error, app, sys.argv[1:])}", file=sys.stderr)
        raise SystemExit(1) from None
    except Exception:
        logging.getLogger(__name__).exception("unexpected error")
        raise SystemExit(1) from None
    finally:
        os.environ.pop(TRACEBACK, None)


def checked(cfg: DictConfig) -> None:
    """Refuse values that cannot work, before anything heavy is imported or any run is opened.

    Raises:
        SystemExit: A value cannot work; the reason has been printed.
    """
    with reporting_errors():
        hydra = HydraConfig.get()
        searches = str(hydra.sweeper.get("_target_")).endswith(SEARCHES)
        if searches and hydra.mode != RunMode.MULTIRUN and LAUNCHED not in os.environ:
            chosen = hydra.runtime.choices["hydra/sweeper"]
            raise ConfigError(f"hydra/sweeper={chosen}: a search is a sweep; add -m.")
        config = resolve(cfg, {})
        check(config)
        start = Path(HydraConfig.get().runtime.cwd)
        check_root(config, start)
        check_tracking(config, start)


def run_app(app: str, compose_and_run: Callable[[], object]) -> None:
    """Run an app, whose task is decorated by ``hydra.main``.

    Exits with 0, with 1 if something failed, with 130 if it was stopped by Ctrl-C, and with 128
    and the signal's number if a signal told it to stop (143 for SIGTERM).
    """
    make_printable()
    if wants_help(sys.argv[1:]):
        print_to_pipe(help_text(app, sys.argv[1:]))
        return
    if "--version" in sys.argv[1:]:
        print(f"idc {__version__}")
        return
    hide_secrets()
    sys.argv[1:] = without_secrets(sys.argv[1:])
    os.environ.setdefault("GOMP_SPINCOUNT", SPINS)
    # A line of the log that a full disk does not take would be a traceback on the screen.
    logging.raiseExceptions = False
    # Hydra makes folders before anything of ours is called, and fails with a traceback.
    if (problem := problem_with_folders(sys.argv[1:], os.environ)) is not None:
        print(f"error: {problem}", file=sys.stderr)
        sys.exit(1)
    # Hydra looks for a config beside the app and warns that an absolute path is unusual.
    warnings.filterwarnings("ignore", module="hydra.*", category=UserWarning)
    code = 1
    orphans.end_with_launcher()
    with signals.handled():
        try:
            try:
                with refusing(app):
                    compose_and_run()
                code = 0
            except KeyboardInterrupt as stop:
                code = signals.exit_code(stop)
                print(str(stop) or "stopped", file=sys.stderr)
            finally:
                code = sweep.finish(code)
                _deliver()
        except KeyboardInterrupt as stop:  # while the sweep was closed
            code = signals.exit_code(stop)
    cluster.requeue_after(code)
    sys.exit(code)


def _deliver() -> None:
    """Wait for what is logged to be delivered, and say what could not be."""
    courier = sys.modules.get("idc.tracking.courier")  # nothing was tracked if it is not there
    try:
        for sentence in courier.flush_all() if courier else ():
            print(f"not delivered: {sentence}", file=sys.stderr)
    except KeyboardInterrupt:
        print("not all is delivered to MLflow yet: python -m idc.sync does it", file=sys.stderr)
