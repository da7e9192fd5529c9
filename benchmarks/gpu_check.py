"""Runs the parts of gpu_check.sh one after the other and gathers what they say.

Each part is a process with a time limit of its own; one that fails or takes too long does not stop
the rest. What a part prints as ``name ratio=1.23 (words)`` or ``name value=1.23 unit (words)`` is a
figure, and so is what pytest counts.
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
FIGURE = re.compile(r"^(\w+) (?:ratio|value)=(\S+)(?: (\S+))? \((.*)\)$", re.MULTILINE)
COUNT = re.compile(r"(\d+) (passed|failed|skipped|errors?)\b")


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


@dataclass(frozen=True)
class Figure:
    """A number; its unit is empty for a ratio, a share or a difference of shares."""

    name: str
    value: float
    unit: str
    words: str


@dataclass
class Report:
    """What became of a part."""

    name: str
    status: str  # ok, failed, too slow, no time left
    seconds: float = 0.0
    limit: float = 0.0  # seconds
    figures: list[Figure] = field(default_factory=list)
    last_lines: list[str] = field(default_factory=list)


PARTS = (
    Part("tests", ("-m", "pytest", "-m", "gpu", "-q", "-rs", "-p", "no:cacheprovider"), 90, False),
    Part("resnet50", ("benchmarks/gpu_parts.py", "train", "resnet50"), 110),
    Part("predictions", ("benchmarks/gpu_parts.py", "predictions"), 60),
    Part("vgg16", ("benchmarks/gpu_parts.py", "train", "vgg16"), 80),
    Part("numbers", ("benchmarks/gpu_parts.py", "numbers"), 120),
    Part("two", ("benchmarks/gpu_parts.py", "two"), 60),
    Part("loader", ("benchmarks/loader.py", "--quick"), 90, False),
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
                last = reports[-1]
                print(f"{last.name}: {last.status}, {last.seconds:.0f} s", flush=True)
                # Now, not at the end: whatever ends this script leaves what it had.
                save(options.out, machine, reports, options)
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
        return Report(part.name, "no time left", limit=part.seconds)
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
        Figure(name, float(value), unit, words)
        for name, value, unit, words in FIGURE.findall(output)
    ]
    if part.name == "tests":
        summary = (output.strip().splitlines() or [""])[-1]
        counts = {name: float(count) for count, name in COUNT.findall(summary)}
        figures += [Figure(f"tests_{name}", count, "tests", "") for name, count in counts.items()]
        # What a machine with a GPU skips, nobody has seen work.
        if status == "ok" and not cpu and counts.get("skipped"):
            status = "skipped tests"
    last = output.strip().splitlines()[-3 if status == "ok" else -40 :]
    return Report(part.name, status, time.perf_counter() - start, left, figures, last)


def save(
    out: Path, machine: dict[str, object], reports: list[Report], options: argparse.Namespace
) -> None:
    """The JSON with everything, and the table."""
    whole = {
        "cpu": options.cpu,
        "seconds": time.time() - options.begun,
        "machine": machine,
        "parts": [asdict(report) for report in reports],
    }
    (out / "gpu_check.json").write_text(json.dumps(whole, indent=2) + "\n")
    named = ", ".join(map(str, machine["devices"])) or "a CPU (the figures mean nothing)"
    lines = [
        f"{time.strftime('%Y-%m-%d')}, {named}; {machine['cores']} CPU cores, Python "
        f"{machine['python']}, torch {machine['torch']}, CUDA {machine['cuda']}. "
        f"`benchmarks/gpu_check.sh{' --cpu' * options.cpu}`: {whole['seconds']:,.0f} s.",
        "",
        "| part | check | figure | unit | what |",
        "|---|---|---|---|---|",
    ]
    for report in reports:
        row = (f"**{report.status}**", report.seconds, "s", f"at most {report.limit:,.0f}")
        each = [(one.name, one.value, one.unit, one.words) for one in report.figures]
        lines += [
            f"| {report.name} | {name} | {shown(value)} | {unit} | {words} |"
            for name, value, unit, words in (row, *each)
        ]
    (out / "gpu_check.md").write_text("\n".join(lines) + "\n")


def shown(value: float) -> str:
    """A number for a reader: four digits that count, or whole thousands."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.4g}"


if __name__ == "__main__":
    sys.exit(main())
