"""Distributed jobs: several processes started by torchrun with the job's own overrides.

Lightning starts its ranks by repeating the command line: under ``-m`` every rank would run the
whole sweep, and the first job's environment would leak into the second. Here all ranks of a job,
including the first, are children of torchrun, which picks a free port, ends all of them when one
fails, and leaves the sweep's process unchanged.
"""

import logging
import os
import signal
import sys
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import torch.distributed
from torch.distributed.elastic.multiprocessing.api import SignalException
from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
from torch.distributed.launcher.api import LaunchConfig, elastic_launch

from idc.errors import TrainingError
from idc.runtime import signals
from idc.runtime.cores import count_cores
from idc.runtime.hardware import global_rank
from idc.runtime.orphans import LAUNCHED

SIGNALS = (*signals.SIGNALS, signal.SIGINT, signal.SIGQUIT)


class RankError(TrainingError):
    """A rank failed, and the others were ended for it.

    Attributes:
        stopped: Whether that rank was ended from outside, by a signal.
    """

    def __init__(self, message: str, stopped: bool) -> None:
        super().__init__(message)
        self.stopped = stopped


def launch_ranks(processes: int, arguments: Sequence[str], folder: Path) -> None:
    """Run one job in several processes on this node and wait for it.

    Args:
        processes: Number of processes.
        arguments: The job's arguments and overrides, without sweeps.
        folder: The job's output folder, which the ranks use too.

    Raises:
        KeyboardInterrupt: The job was stopped.
        RankError: A rank failed; it has printed the reason.
    """
    command = [
        *("-m", "idc.train", *arguments, f"hydra.run.dir={_quoted(folder)}"),
        *("hydra.output_subdir=null", "hydra.mode=RUN"),
    ]
    config = LaunchConfig(
        min_nodes=1,
        max_nodes=1,
        nproc_per_node=processes,
        run_id=uuid.uuid4().hex,
        rdzv_backend="c10d",
        rdzv_endpoint="localhost:0",
        max_restarts=0,
    )
    # It prints a long report about a failed rank, which has already printed its error.
    logging.getLogger("torch.distributed.elastic").setLevel(logging.CRITICAL)
    try:
        with _surroundings(processes):
            elastic_launch(config, sys.executable)(*command)
    except SignalException as error:
        signals.stop(error.sigval)
    except ChildFailedError as error:
        rank, failure = error.get_first_failure()
        raise RankError(
            f"rank {rank} of the {processes} processes of this job failed (exit code "
            f"{failure.exitcode}) and the others were ended; see its message above and in "
            f"{folder / 'console.log'}.",
            stopped=failure.exitcode < 0 or failure.exitcode > signals.STOPPED_CODE,
        ) from None


@contextmanager
def _surroundings(processes: int) -> Iterator[None]:
    """Set the ranks' environment, and restore it and the signal handlers that torchrun replaces."""
    handlers = {number: signal.getsignal(number) for number in SIGNALS}
    own = {
        # A share of the cores, unless the user has set it.
        "OMP_NUM_THREADS": str(max(1, count_cores() // processes)),
        LAUNCHED: str(os.getpid()),
        # Signals that torchrun forwards.
        "TORCHELASTIC_SIGNALS_TO_HANDLE": ",".join(number.name for number in SIGNALS),
    }
    own = {key: value for key, value in own.items() if key not in os.environ}
    os.environ.update(own)
    try:
        yield
    finally:
        for key in own:
            del os.environ[key]
        for number, handler in handlers.items():
            signal.signal(number, handler)


def leave_ranks() -> bool:
    """Leave the process group.

    Returns:
        Whether this is the first rank, which continues alone: testing on several devices would
        repeat patches to fill the last batch.
    """
    if torch.distributed.is_available() and torch.distributed.is_initialized():
        torch.distributed.destroy_process_group()
    return global_rank() == 0


def _quoted(path: Path) -> str:
    return "'" + str(path).replace("\\", "\\\\").replace("'", "\\'") + "'"
