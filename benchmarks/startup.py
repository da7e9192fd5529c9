"""How long ``--help`` takes, against the imports that it does not wait for.

python benchmarks/startup.py [--quick]
"""

import argparse
import statistics
import subprocess
import sys
import time

COMMANDS = {
    "python -m idc.train --help": ["-m", "idc.train", "--help"],
    "import of hydra": ["-c", "import hydra, hydra.main"],
    "import of torch": ["-c", "import torch"],
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="3 repeats in place of 9")
    repeats = 3 if parser.parse_args().quick else 9
    taken: dict[str, list[float]] = {name: [] for name in COMMANDS}
    for _ in range(repeats):
        for name, arguments in COMMANDS.items():
            start = time.perf_counter()
            subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL)
            taken[name].append(time.perf_counter() - start)
    (what, ours), *baselines = ((name, statistics.median(v)) for name, v in taken.items())
    for name, median in baselines:
        print(
            f"help ratio={ours / median:.2f} ({what}, {ours:.2f} s, against {name}, {median:.2f} s)"
        )


if __name__ == "__main__":
    main()
