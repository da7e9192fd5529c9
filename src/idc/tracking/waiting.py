"""Calls with a time limit."""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

T = TypeVar("T")


def within(seconds: float, call: Callable[[], T]) -> T:
    """Call a function in another thread, and abandon it when it takes too long.

    Neither MLflow nor its drivers have a limit for the total time of a call.

    Args:
        seconds: The limit.
        call: The function.

    Raises:
        TimeoutError: The call took longer.
        Exception: Whatever the call raises.
    """
    answer = Future[T]()

    def run() -> None:
        try:
            answer.set_result(call())
        except BaseException as error:
            answer.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
    try:
        return answer.result(seconds)
    except TimeoutError as error:
        if answer.done():  # the call's own
            raise
        raise TimeoutError(f"no answer within {seconds:.0f} s") from error
