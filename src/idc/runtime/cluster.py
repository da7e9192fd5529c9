"""SLURM jobs that receive a warning signal, are requeued and restarted.

submitit (``launcher=slurm``) requeues its own jobs. A job started by a batch script is requeued
here, and looks up the run that it had begun by its job id.
"""

import logging
import os
import signal
import subprocess

from idc.runtime.orphans import LAUNCHED
from idc.runtime.signals import WARNINGS

log = logging.getLogger(__name__)
JOB_TAG = "idc.slurm_job"


def slurm_job() -> str | None:
    """Id of the SLURM job that this process belongs to, or None."""
    array = os.environ.get("SLURM_ARRAY_JOB_ID")
    if array is not None:
        return f"{array}_{os.environ.get('SLURM_ARRAY_TASK_ID', '0')}"
    return os.environ.get("SLURM_JOB_ID")


def started_again() -> bool:
    """Whether this job was requeued, by SLURM or by submitit."""
    return os.environ.get("SLURM_RESTART_COUNT", "0") != "0" or "SUBMITIT_EXECUTOR" in os.environ


def requeue_after(code: int) -> None:
    """Requeue the SLURM job if a warning signal ended it.

    Args:
        code: The app's exit code.
    """
    job = slurm_job()
    others = "SUBMITIT_EXECUTOR" in os.environ or LAUNCHED in os.environ
    if job is None or others or code not in [128 + number for number in WARNINGS]:
        return
    name = signal.Signals(code - 128).name
    try:
        subprocess.run(["scontrol", "requeue", job], check=True, capture_output=True, text=True)
        log.warning("%s: SLURM job %s was requeued and will resume", name, job)
    except (OSError, subprocess.CalledProcessError) as error:
        log.warning("%s: SLURM job %s could not be requeued (%s)", name, job, error)
