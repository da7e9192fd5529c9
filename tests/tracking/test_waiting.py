"""A call that may hang is abandoned; one that answers is as if it was made here."""

import threading

import pytest

from idc.tracking.waiting import within


def test_answers_and_errors_are_passed_on() -> None:
    assert within(60, lambda: [1]) == [1]
    assert within(60, lambda: None) is None
    with pytest.raises(ZeroDivisionError):
        within(60, lambda: 1 // 0)


def test_a_call_that_does_not_return_is_abandoned() -> None:
    for_ever = threading.Event()
    try:
        with pytest.raises(TimeoutError, match="no answer within"):
            within(0.01, for_ever.wait)
    finally:
        for_ever.set()


def test_the_call_is_made_in_another_thread() -> None:
    assert within(60, threading.get_ident) != threading.get_ident()
