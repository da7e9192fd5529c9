"""Jobs of SLURM: which one this is, and when it is put back into the queue."""

import subprocess
from collections.abc import Callable

import pytest

from idc.runtime import cluster
from idc.runtime.orphans import LAUNCHED

WARNED = 128 + 10  # SIGUSR1
VARIABLES = ("SLURM_JOB_ID", "SLURM_ARRAY_JOB_ID", "SLURM_ARRAY_TASK_ID", "SLURM_RESTART_COUNT")


@pytest.fixture
def slurm(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Set SLURM's variables; all others are unset."""

    def set_variables(**variables: str) -> None:
        for name in (*VARIABLES, "SUBMITIT_EXECUTOR", LAUNCHED):
            monkeypatch.delenv(name, raising=False)
        for name, value in variables.items():
            monkeypatch.setenv(name, value)

    set_variables()
    return set_variables


def test_a_job_of_an_array_has_the_arrays_number(slurm: Callable[..., None]) -> None:
    assert cluster.slurm_job() is None
    slurm(SLURM_JOB_ID="7")
    assert cluster.slurm_job() == "7"
    slurm(SLURM_JOB_ID="9", SLURM_ARRAY_JOB_ID="7", SLURM_ARRAY_TASK_ID="2")
    assert cluster.slurm_job() == "7_2"


def test_a_restart_is_recognised(slurm: Callable[..., None]) -> None:
    assert not cluster.started_again()
    slurm(SLURM_RESTART_COUNT="0")
    assert not cluster.started_again()
    slurm(SLURM_RESTART_COUNT="1")
    assert cluster.started_again()
    slurm(SUBMITIT_EXECUTOR="slurm")
    assert cluster.started_again()


@pytest.mark.parametrize(
    ("code", "variables", "requeued"),
    [
        (WARNED, {"SLURM_JOB_ID": "7"}, True),
        (0, {"SLURM_JOB_ID": "7"}, False),
        (143, {"SLURM_JOB_ID": "7"}, False),
        (WARNED, {}, False),
        (WARNED, {"SLURM_JOB_ID": "7", "SUBMITIT_EXECUTOR": "slurm"}, False),  # it does so itself
        (WARNED, {"SLURM_JOB_ID": "7", LAUNCHED: "1"}, False),  # its launcher does
    ],
)
def test_a_warned_job_is_requeued_once(
    slurm: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
    code: int,
    variables: dict[str, str],
    requeued: bool,
) -> None:
    commands: list[list[str]] = []
    monkeypatch.setattr(cluster.subprocess, "run", lambda c, **_: commands.append(c))
    slurm(**variables)
    cluster.requeue_after(code)
    assert commands == [["scontrol", "requeue", "7"]] * requeued


def test_a_queue_that_refuses_ends_nothing(
    slurm: Callable[..., None], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    slurm(SLURM_JOB_ID="7")
    for error in (FileNotFoundError("scontrol"), subprocess.CalledProcessError(1, "scontrol")):

        def fail(command: list[str], error: Exception = error, **_: object) -> None:
            raise error

        monkeypatch.setattr(cluster.subprocess, "run", fail)
        cluster.requeue_after(WARNED)
    assert len(caplog.records) == 2
