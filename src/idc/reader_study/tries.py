"""Passwords are looked at one after the other, and slower the more of them were wrong."""

import ipaddress
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass


@dataclass
class _Queue:
    """The tries of one address, or of all.

    Attributes:
        wrong: Tries that were not right, or not yet.
        free: When the next one may be looked at.
        latest: When the last one came.
    """

    wrong: int = 0
    free: float = 0.0
    latest: float = 0.0


class Tries:
    """Spaces tries out; it never locks anybody out, since behind a tunnel all have one address.

    After each wrong try of an address the next one waits, 1 s at first, twice as long each time,
    30 s at most: 2,880 tries a day. From all addresses together, however many there are, one try a
    second is looked at once 20 were wrong: 86,400 a day, which is 3e7 a year, against 2e11
    passwords of eight lower-case letters. Ten minutes without a try, or the right password, end an
    address's wait.

    Args:
        longest: Seconds that an address's try waits at most after the one before it.
        free: Wrong tries of all addresses together before they wait for one another.
        quiet: Seconds without a try after which wrong ones are forgotten.
        clock: Seconds, growing.
    """

    ADDRESSES = 10_000

    def __init__(
        self,
        longest: float = 30.0,
        free: int = 20,
        quiet: float = 600.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.longest, self.free, self.quiet, self._clock = longest, free, quiet, clock
        self._queues: OrderedDict[str, _Queue] = OrderedDict()
        self._all = _Queue()

    def wait(self, address: str) -> float:
        """Seconds until a try of this address would be looked at; 0 is now."""
        now = self._clock()
        own = self._queues.get(_network(address), _Queue())
        return max(0.0, *(queue.free - now for queue in (own, self._all)))

    def count(self, address: str) -> float | None:
        """Give a try its turn, before it is known to be right: tries side by side count too.

        Returns:
            Seconds that it has to wait; None if so many wait already that it has no turn and is not
            counted.
        """
        now, wait = self._clock(), self.wait(address)
        if wait > self.longest:
            return None
        own = self._queues.setdefault(_network(address), _Queue())
        self._queues.move_to_end(_network(address))
        while len(self._queues) > self.ADDRESSES:
            self._queues.popitem(last=False)
        for queue in (own, self._all):
            if now - queue.latest > self.quiet:
                queue.wrong = 0
            queue.wrong, queue.latest = queue.wrong + 1, now
        # The exponent is bounded: 2.0**1100 is no number.
        own.free = now + wait + min(self.longest, 2.0 ** min(own.wrong - 1, 30))
        gap = 1.0 if self._all.wrong > self.free else 0.0
        self._all.free = max(now, self._all.free) + gap
        return wait

    def forgive(self, address: str) -> None:
        """The password was right."""
        if self._queues.pop(_network(address), None):
            self._all.wrong -= 1


def _network(address: str) -> str:
    """An address; of IPv6 the /64, of which one machine has as many as it likes."""
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    return address if ip.version == 4 else str(ipaddress.ip_network((ip, 64), strict=False))
