"""Break the program on purpose and see what becomes of it: the table of docs/reliability.md.

    python benchmarks/chaos            # everything, some 35 minutes on two cores
    python benchmarks/chaos --quick    # the short form that CI runs
    python benchmarks/chaos --only kills --write docs/reliability.md

Each fault goes through the project's own commands in processes of their own, on synthetic patches,
in a temporary folder. The exit code is 1 if any fault did not end as expected.
"""

import argparse
import os
import platform
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import foreign
import kills
import server
import signals
import stores
from table import Fault, write

Inject = Callable[[Path, int, bool], list[Fault]]
FAMILIES: dict[str, Inject] = {
    "kills": kills.kills,
    "signals": signals.signals,
    "writers": signals.writers,
    "stores": stores.stores,
    "foreign": foreign.foreign,
    "server": server.server,
}


def main() -> int:
    """Inject the faults; returns the exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="the short form")
    parser.add_argument("--only", help="families, by comma: " + ", ".join(FAMILIES))
    parser.add_argument("--seed", type=int, default=int(time.time()), help="of the random moments")
    parser.add_argument("--write", type=Path, metavar="PAGE", help="put the table into this page")
    options = parser.parse_args()
    names = options.only.split(",") if options.only else list(FAMILIES)
    if unknown := set(names) - set(FAMILIES):
        parser.error(
            f"--only: no family {', '.join(sorted(unknown))}; choose {', '.join(FAMILIES)}"
        )
    if options.quick and not options.only:
        names.remove("server")  # minutes; tests/tracking has a real server too
        names.remove("signals")  # `writers` stops its training by a signal
    faults: list[Fault] = []
    begun = time.monotonic()

    def inject(name: str) -> list[Fault]:
        with tempfile.TemporaryDirectory(prefix="idc-chaos-") as folder:
            return FAMILIES[name](Path(folder), options.seed, options.quick)

    # One after the other in the long form, whose `kills` and `server` keep two cores busy.
    with ThreadPoolExecutor(2 if options.quick else 1) as pool:
        for some in pool.map(inject, names):
            faults += some
            print("\n".join(fault.row() for fault in some), flush=True)
    held = sum(fault.held for fault in faults)
    minutes = (time.monotonic() - begun) / 60
    heading = (
        f"{held} of {len(faults)} faults ended as expected (seed {options.seed}, "
        f"{time.strftime('%Y-%m-%d')}, {os.cpu_count()} cores, Python "
        f"{platform.python_version()}, {minutes:.0f} minutes)."
    )
    print(f"\n{heading}")
    if options.write:
        write(faults, options.write, heading)
    return 0 if held == len(faults) else 1


if __name__ == "__main__":
    sys.exit(main())
