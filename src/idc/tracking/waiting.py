"""Answers that are waited for no longer than a given time."""

import queue
import threading
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def within(seconds: float, call: Callable[[], T]) -> T:
    """Do a call in another thread, and leave it to itself when it takes too long.

    Neither MLflow nor the drivers below it can be told for how long a call may take in all.

    Args:
        seconds: How long an answer is waited for.
        call: What is called.

    Raises:
        TimeoutError: There was none.
        Exception: Whatever the call raises.
    """
    answers: queue.SimpleQueue[tuple[T | None, BaseException | None]] = queue.SimpleQueue()

    def work() -> None:
        try:
            answers.put((call(), None))
        except BaseException as error:
            answers.put((None, error))

    threading.Thread(target=work, daemon=True).start()
    try:
        answer, error = answers.get(timeout=seconds)
    except queue.Empty:
        raise TimeoutError(f"no answer within {seconds:.0f} s") from None
    if error is not None:
        raise error
    return answer  # type: ignore[return-value]
