"""Wrong passwords run out."""

import ipaddress
import time
from collections import OrderedDict, deque
from collections.abc import Callable


class Tries:
    """Wrong passwords by address: after `most` of them within `seconds` there are no more tries.

    Args:
        most: Wrong tries that an address has.
        seconds: How long they count.
        clock: Seconds, growing.
    """

    ADDRESSES = 10_000

    def __init__(
        self, most: int = 8, seconds: float = 600, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.most, self.seconds, self._clock = most, seconds, clock
        self._times: OrderedDict[str, deque[float]] = OrderedDict()

    def wait(self, address: str) -> float:
        """Seconds until this address may try again; 0 is now."""
        times = self._times.get(_network(address), deque())
        while times and times[0] <= self._clock() - self.seconds:
            times.popleft()
        return times[0] + self.seconds - self._clock() if len(times) >= self.most else 0.0

    def count(self, address: str) -> None:
        """Count a try, before it is known whether it is right: tries side by side count as well."""
        times = self._times.setdefault(_network(address), deque(maxlen=self.most))
        times.append(self._clock())
        self._times.move_to_end(_network(address))
        while len(self._times) > self.ADDRESSES:
            self._times.popitem(last=False)

    def forgive(self, address: str) -> None:
        """The password was right."""
        self._times.pop(_network(address), None)


def _network(address: str) -> str:
    """An address; of IPv6 the /64, of which one machine has as many as it likes."""
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    return address if ip.version == 4 else str(ipaddress.ip_network((ip, 64), strict=False))
