"""Cores are those that the scheduler gives."""

import os

import pytest

from idc.runtime.cores import count_cores


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system does not say")
def test_only_cores_that_may_be_used_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 64)
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {3, 5})
    assert count_cores() == 2


def test_a_system_that_does_not_say_has_them_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert count_cores() == 1
