"""CPU training beside another busy process, with and without our limit on OpenMP's spinning.

Run it as ``python benchmarks/threads.py [--quick]``.

Threads of OpenMP spin while they wait. On a machine whose cores are shared they spin while the
thread that they wait for has no core. Patches/s of MobileNetV3-small, 64 patches of 50x50 a step,
alone and beside another training on one thread for each two cores.
"""

import argparse
import os
import subprocess
import sys
import time

from idc.launch.app import SPINS

STEPS = """
import time, torch
from torchvision.models import mobilenet_v3_small
torch.manual_seed(0)
model = mobilenet_v3_small(num_classes=2).to(memory_format=torch.channels_last).train()
optimizer = torch.optim.AdamW(model.parameters(), 1e-3)
x = torch.rand(64, 3, 50, 50).to(memory_format=torch.channels_last)
y = torch.randint(0, 2, (64,))
def step():
    optimizer.zero_grad()
    torch.nn.functional.cross_entropy(model(x), y).backward()
    optimizer.step()
step()
start, steps = time.perf_counter(), 0
while time.perf_counter() - start < SECONDS:
    step()
    steps += 1
print(64 * steps / (time.perf_counter() - start))
"""


def measure(seconds: int, **environment: str) -> float:
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("OMP_", "GOMP_"))}
    done = subprocess.run(
        [sys.executable, "-c", STEPS.replace("SECONDS", str(seconds))],
        env={**clean, **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    return float(done.stdout)


def _rival() -> "subprocess.Popen[bytes]":
    """Another user's training; a plain busy loop does not show the effect."""
    return subprocess.Popen(
        [sys.executable, "-c", STEPS.replace("SECONDS", "3600")],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="3 s a figure in place of 12 s")
    seconds = 3 if parser.parse_args().quick else 12
    cores = len(os.sched_getaffinity(0))
    for situation, rivals in (("alone", 0), ("contended", max(1, cores // 2))):
        busy = [_rival() for _ in range(rivals)]
        time.sleep(8 if busy else 0)  # until they train
        try:
            default = measure(seconds)
            for name, variable, value in (
                ("spins", "GOMP_SPINCOUNT", SPINS),
                ("one_thread", "OMP_NUM_THREADS", "1"),
            ):
                rate = measure(seconds, **{variable: value})
                print(
                    f"threads_{situation}_{name} ratio={rate / default:.2f} ({variable}={value}, "
                    f"{rate:.0f} patches/s, against the default, {default:.0f} patches/s)"
                )
        finally:
            for process in busy:
                process.kill()


if __name__ == "__main__":
    main()
