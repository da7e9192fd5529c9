"""Runs the parts of gpu_check.sh one after the other and gathers what they say.

Each part is a process with a time limit of its own; one that fails or takes too long does not stop
the rest. What a part prints as ``name ratio=1.23 (words)`` or ``name value=1.23 (words)`` is a
figure.
"""

import argparse
import json
import os
import platform
import re
import signal
import subprocess
import sys
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path

PACK = Path("build/gpu")
BUDGET = (
    520  # seconds for all parts, the unpacking before them included: nine minutes less a reserve
)
FIGURE = re.compile(r"^(\w+) (ratio|value)=(\S+) \((.*)\)$", re.MULTILINE)


@dataclass(frozen=True)
class Part:
    """A check.

    Attributes:
        name: What it is called.
        arguments: After ``python``; ``--cpu`` is added if `shrinks`.
        seconds: Its time limit on a GPU.
        shrinks: Whether it takes ``--cpu``.
    """

    name: str
    arguments: tuple[str, ...]
    seconds: int
    shrinks: bool = True


@dataclass
class Report:
    """What became of a part."""

    name: str
    status: str  # ok, failed, too slow, no time left
    seconds: float = 0.0
    figures: list[dict[str, object]] = field(default_factory=list)
    last_lines: list[str] = field(default_factory=list)


PARTS = (
    Part("tests", ("-m", "pytest", "-m", "gpu", "-q", "-rs", "-p", "no:cacheprovider"), 90, False),
    Part("resnet50", ("benchmarks/gpu_parts.py", "train", "resnet50"), 110),
    Part("predictions", ("benchmarks/gpu_parts.py", "predictions"), 60),
    Part("vgg16", ("benchmarks/gpu_parts.py", "train", "vgg16"), 80),
    Part("numbers", ("benchmarks/gpu_parts.py", "numbers"), 90),
    Part("two", ("benchmarks/gpu_parts.py", "two"), 60),
    Part("loader", ("benchmarks/loader.py", "--quick"), 60, False),
    Part("step", ("benchmarks/step_gpu.py", "--quick"), 200),
)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cpu", action="store_true", help="shrunk, to check the parts themselves")
    parser.add_argument("--out", type=Path, default=PACK / "out", help="where the report goes")
    parser.add_argument("--begun", type=float, default=time.time(), help="when the clock started")
    parser.add_argument("--parts", nargs="*", default=[part.name for part in PARTS])
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    machine = describe()
    if not options.cpu and not machine["devices"]:
        print("gpu_check: no CUDA GPU here; --cpu checks the parts on a CPU", file=sys.stderr)
        return 1
    reports = []
    with (options.out / "gpu_check.log").open("w") as log:
        for part in PARTS:
            if part.name in options.parts:
                reports.append(run(part, options.cpu, options.begun, log, machine["devices"]))
                print(f"{reports[-1].name}: {reports[-1].status}, {reports[-1].seconds:.0f} s")
                # Now, not at the end: whatever ends this script leaves what it had.
                save(options.out, machine, reports, options.cpu)
    return int(any(report.status != "ok" for report in reports))


def describe() -> dict[str, object]:
    """The machine, in what a reader of figures wants to know of it."""
    import torch

    devices = [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
    return {
        "devices": devices,
        "torch": torch.__version__,
        "cuda": torch.version.cuda,
        "python": platform.python_version(),
        "cores": len(os.sched_getaffinity(0)),
    }


def run(part: Part, cpu: bool, begun: float, log: object, devices: object) -> Report:
    """Run a part in a process group of its own, which is ended as a whole."""
    # On a CPU the limits mean nothing: there the parts are checked, not the time.
    left = 1800.0 if cpu else min(part.seconds, BUDGET - (time.time() - begun))
    if left < 10:
        return Report(part.name, "no time left")
    command = [sys.executable, *part.arguments, *(["--cpu"] if cpu and part.shrinks else [])]
    if part.name == "tests":  # only those: others need packages that are not here
        files = sorted(Path("tests").rglob("test_*.py"))
        command += [str(file) for file in files if "pytest.mark.gpu" in file.read_text()]
    work = (PACK / "work").resolve()
    work.mkdir(exist_ok=True)
    environment = {
        **os.environ,
        "IDC_ROOT": str(work),
        "IDC_BENCH": str(work / "bench"),
        "IDC_PROGRESS": "0",
        "TMPDIR": str(work),
        # The tests hide GPUs unless they are named.
        "CUDA_VISIBLE_DEVICES": "" if cpu else ",".join(map(str, range(len(list(devices))))),
    }
    start = time.perf_counter()
    process = subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True, errors="replace", start_new_session=True,
    )  # fmt: skip
    try:
        output, _ = process.communicate(timeout=left)
        status = "ok" if process.returncode == 0 else "failed"
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        output, _ = process.communicate()
        status = "too slow"
    log.write(f"== {part.name}: {' '.join(command)}\n{output}\n")
    log.flush()
    figures = [
        {"name": name, kind: number(value), "words": words}
        for name, kind, value, words in FIGURE.findall(output)
    ]
    last = output.strip().splitlines()[-3 if status == "ok" else -40 :]
    return Report(part.name, status, time.perf_counter() - start, figures, last)


def number(text: str) -> float | str:
    """A figure as a number, if it is one."""
    try:
        return float(text)
    except ValueError:
        return text


def save(out: Path, machine: dict[str, object], reports: list[Report], cpu: bool) -> None:
    """The JSON with everything, and the table."""
    whole = {"cpu": cpu, "machine": machine, "parts": [asdict(report) for report in reports]}
    (out / "gpu_check.json").write_text(json.dumps(whole, indent=2) + "\n")
    named = ", ".join(map(str, machine["devices"])) or "a CPU: the figures mean nothing"
    lines = [
        f"{time.strftime('%Y-%m-%d')}, {named}; {machine['cores']} CPU cores, torch "
        f"{machine['torch']}, CUDA {machine['cuda']}. `benchmarks/gpu_check.sh`.",
        "",
        "| part | figure | | what |",
        "|---|---|---|---|",
    ]
    for report in reports:
        lines.append(f"| **{report.name}** | {report.status} | {report.seconds:.0f} s | |")
        for figure in report.figures:
            value = figure.get("ratio", figure.get("value"))
            lines.append(f"| | {figure['name']} | {value} | {figure['words']} |")
    (out / "gpu_check.md").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    sys.exit(main())
