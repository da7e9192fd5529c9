"""How long ``--help`` takes, against a bare Python and against the import of torch.

    python benchmarks/bench_startup.py

Prints medians of several runs and their ratio to the named baselines, measured in turn.
"""

import statistics
import subprocess
import sys
import time

REPEATS = 7
COMMANDS = {
    "python -c pass (baseline)": ["-c", "pass"],
    "python -c 'import hydra' (baseline)": ["-c", "import hydra, hydra.main"],
    "python -c 'import torch' (baseline)": ["-c", "import torch"],
    "python -m idc.train --help": ["-m", "idc.train", "--help"],
}


def main() -> None:
    taken: dict[str, list[float]] = {name: [] for name in COMMANDS}
    for _ in range(REPEATS):
        for name, arguments in COMMANDS.items():
            start = time.perf_counter()
            subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL)
            taken[name].append(time.perf_counter() - start)
    ours = statistics.median(taken["python -m idc.train --help"])
    for name, values in taken.items():
        median = statistics.median(values)
        print(f"{name:40s} {median:6.3f} s   --help takes {ours / median:5.2f} x this")


if __name__ == "__main__":
    main()
