"""Jobs of SLURM that are warned, requeued and started again.

submitit (``launcher=slurm``) requeues its own jobs; a job that a batch script starts is requeued
here, and finds what it had begun by the job's number.
"""

import logging
import os
import signal
import subprocess

from idc.runtime.parent import LAUNCHED
from idc.runtime.signals import WARNINGS

log = logging.getLogger(__name__)
JOB_TAG = "idc.slurm_job"


def slurm_job() -> str | None:
    """The number of the SLURM job that this process belongs to, or None."""
    array = os.environ.get("SLURM_ARRAY_JOB_ID")
    if array is not None:
        return f"{array}_{os.environ.get('SLURM_ARRAY_TASK_ID', '0')}"
    return os.environ.get("SLURM_JOB_ID")


def started_again() -> bool:
    """Whether this job was requeued, by SLURM or by submitit."""
    return os.environ.get("SLURM_RESTART_COUNT", "0") != "0" or "SUBMITIT_EXECUTOR" in os.environ


def requeue_after(code: int) -> None:
    """Have SLURM start the job again if a warning has ended it.

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
        log.warning("%s: SLURM job %s is requeued, and goes on then", name, job)
    except (OSError, subprocess.CalledProcessError) as error:
        log.warning("%s: SLURM job %s could not be requeued (%s)", name, job, error)
