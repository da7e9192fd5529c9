"""Rate limit for failed sign-ins."""

import ipaddress
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass


@dataclass
class _Queue:
    """The attempts of one address, or of all.

    Attributes:
        failed: Attempts that failed or are pending.
        free: When the next attempt may be processed.
        latest: Time of the last attempt.
    """

    failed: int = 0
    free: float = 0.0
    latest: float = 0.0


class RateLimit:
    """Delays sign-in attempts, without lockout, as readers behind a tunnel share one address.

    After each failed attempt from an address, its next one is delayed, by 1 s at first, doubling up
    to 30 s: 2,880 attempts per day. After 20 failed attempts from all addresses together, one
    attempt per second is processed in total: 86,400 per day, or 3e7 per year, compared with 2e11
    passwords of eight lower-case letters. An address's delay ends after ten minutes without an
    attempt, or with the correct password.

    Args:
        longest: Longest delay between two attempts of an address, in seconds.
        free: Failed attempts of all addresses before the common delay begins.
        quiet: Seconds without an attempt after which failed ones are forgotten.
        clock: Monotonic time in seconds.
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
        """Seconds until an attempt from this address would be processed."""
        now = self._clock()
        own = self._queues.get(_network(address), _Queue())
        return max(0.0, *(queue.free - now for queue in (own, self._all)))

    def reserve(self, address: str) -> float | None:
        """Schedule an attempt, before the password is checked, so that parallel ones count too.

        Returns:
            Seconds to wait; None if too many are waiting already, and the attempt is rejected.
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
                queue.failed = 0
            queue.failed, queue.latest = queue.failed + 1, now
        # The exponent is bounded, as 2.0**1100 overflows.
        own.free = now + wait + min(self.longest, 2.0 ** min(own.failed - 1, 30))
        gap = 1.0 if self._all.failed > self.free else 0.0
        self._all.free = max(now, self._all.free) + gap
        return wait

    def reset(self, address: str) -> None:
        """Forget an address's failed attempts after a successful sign-in."""
        if self._queues.pop(_network(address), None):
            self._all.failed -= 1


def _network(address: str) -> str:
    """The address or, for IPv6, its /64 network, as one machine may have all its addresses."""
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    return address if ip.version == 4 else str(ipaddress.ip_network((ip, 64), strict=False))
