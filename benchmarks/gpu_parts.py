"""The parts of gpu_check.sh that have no script of their own.

python benchmarks/gpu_parts.py train BACKBONE|predictions|numbers|two [--cpu]

They take the real patches that gpu_pack.sh packed, and print ``name value=1.23 unit (words)``. A
part that finds a difference above its tolerance ends with 1.
"""

import argparse
import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from itertools import chain, islice

import numpy as np
import pandas as pd
import torch
from gpu_check import PACK
from training import config_optimizer, configure, load_material, precision_context

from idc.config.build import Config
from idc.data.material import Material
from idc.models.classifier import PatchClassifier
from idc.pipelines.build import build_classifier, build_datamodule

# Of a probability, between two ways to reckon it. Sums in another order differ in float32's last
# digits, which fifty layers make larger; TF32 keeps 10 bits of a product's mantissa, bf16 seven.
TOLERANCES = {"float32": 1e-3, "tf32": 1e-2, "compiled": 1e-3, "bf16": 5e-2}
# `idc.evaluate` multiplies with PyTorch's defaults: convolutions in TF32.
EVALUATED = TOLERANCES["tf32"]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("part", choices=["train", "predictions", "numbers", "two"])
    parser.add_argument("backbone", nargs="?", default="resnet50")
    parser.add_argument("--cpu", action="store_true")
    options = parser.parse_args()
    if options.part == "train":
        return train(options.backbone, options.cpu)
    if options.part == "predictions":
        return compare_predictions(options.cpu)
    return compare_numbers(options.cpu) if options.part == "numbers" else train_on_two(options.cpu)


def tell(name: str, value: float, unit: str, words: str) -> None:
    """Print a figure; its unit is empty for a share or a difference of shares."""
    print(f"{name} value={value:.6g}{unit and ' '}{unit} ({words})", flush=True)


def data(cpu: bool) -> list[str]:
    """The packed patches; on a CPU, of a few patients only."""
    root = PACK / "patches"
    if cpu:
        few, whole = PACK / "work" / "few", root
        few.mkdir(parents=True, exist_ok=True)
        for patient in sorted(p.name for p in whole.iterdir())[:8]:
            if not (few / patient).exists():
                (few / patient).symlink_to((whole / patient).resolve())
        root = few
    return ["data=idc", f"data.root={root.resolve()}", "audit=keep"]


def overrides(backbone: str, cpu: bool) -> list[str]:
    """A short training of that backbone."""
    shrunk = ["trainer.max_epochs=1", "trainer.limit_train_batches=2", "loader.batch_size=16"]
    whole = ["trainer.max_epochs=6", "loader.batch_size=128", "trainer.deterministic=false"]
    return [
        *data(cpu),
        f"backbone={backbone}",
        f"trainer={'cpu' if cpu else 'gpu'}",
        "augment=gpu",
        "intervals.draws=100",
        "loader.num_workers=0",
        *(shrunk if cpu else whole),
    ]


def app(name: str, *arguments: str) -> str:
    """Run an app; its log.

    Raises:
        SystemExit: It failed.
    """
    command = [sys.executable, "-m", f"idc.{name}", *arguments]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    print(done.stdout, flush=True)
    if done.returncode:
        raise SystemExit(done.returncode)
    return done.stdout


def train(backbone: str, cpu: bool) -> int:
    """The whole app: training, test, attributions, page, tracking; the ResNet's model too."""
    first = backbone == "resnet50"
    start = time.perf_counter()
    log = app(
        "train",
        *overrides(backbone, cpu),
        f"name=gpu_check_{backbone}",
        "explain=gradcam",
        "explain.per_kind=1",
        "explain.faithfulness.patches=0",
        "explain.features.patches=0",
        "explain.embedding.method=none",
        "explain.slides.patients=0",
        "explain.smoothing.use=false",
        f"report={str(first).lower()}",
        f"tracking.log_model={str(first).lower()}",
    )
    tell(f"train_{backbone}_time", time.perf_counter() - start, "s", "the app, start to end")
    rates = [float(rate) for rate in re.findall(r"(\d+) patches/s", log)]
    words = f"the best epoch; the first had {rates[0]:,.0f}"
    tell(f"train_{backbone}_rate", max(rates), "patches/s", words)
    metrics = outcome(backbone)["metrics"]
    words = f"in the test split; F1 {metrics['test/f1']:.3f}, recall {metrics['test/recall']:.3f}"
    tell(f"train_{backbone}_auroc", float(metrics["test/auroc"]), "", words)
    return 0


def outcome(backbone: str) -> dict[str, object]:
    """What the newest training of that backbone left.

    Raises:
        SystemExit: There is none.
    """
    files = sorted((PACK / "work" / "runs").rglob("outcome.json"))
    outcomes = (json.loads(file.read_text()) for file in reversed(files))
    ours = (one for one in outcomes if one["name"] == f"gpu_check_{backbone}")
    return next(ours, None) or sys.exit(f"no training of {backbone} has ended: run that part first")


def compare_predictions(cpu: bool) -> int:
    """A trained run's test split, judged on the GPU and on the CPU."""
    run_id = outcome("resnet50")["run_id"]
    devices = ("cpu", "cpu" if cpu else "cuda")
    for device in devices:
        options = ("intervals.draws=0", "explain=none", "report=false")
        app("evaluate", f"run={run_id}", f"device={device}", *options)
    # Among the artifacts: each run has one there, and a copy in its own folder.
    stored = (PACK / "work" / "mlruns" / "artifacts").rglob("evaluation/predictions.parquet")
    files = sorted(stored, key=lambda path: path.stat().st_mtime)[-len(devices) :]
    one, other = (pd.read_parquet(file).set_index("path").sort_index() for file in files)
    assert one.index.equals(other.index)
    apart = float((one["score_raw"] - other["score_raw"]).abs().max(skipna=False))
    words = f"largest difference of a probability, {len(one)} patches; at most {EVALUATED}"
    tell("predictions_apart", apart, "", words)
    same = float((one["predicted"] == other["predicted"]).mean())
    tell("predictions_same", same, "", "share of equal decisions; at least 0.99")
    return int(not (apart <= EVALUATED and same >= 0.99))


def compare_numbers(cpu: bool) -> int:
    """ResNet50's probabilities and losses in float32, TF32, bf16 and compiled."""
    device = "cpu" if cpu else "cuda"
    work = PACK / "work"
    config = configure(work.resolve(), *overrides("resnet50", cpu), "augment.device=cpu")
    material = load_material(config)
    steps = 2 if cpu else 60
    exact(True)
    module, plain = fit(config, material, device, steps)
    late = slice(-max(1, steps // 3), None)
    most_late = 0.3 if cpu else 0.1  # two steps of 16 patches are mostly noise

    def late_loss_differs(name: str, losses: list[float]) -> bool:
        apart = float(abs(np.mean(losses[late]) - np.mean(plain[late])))
        words = f"mean late loss against float32's {np.mean(plain[late]):.3f}; at most {most_late}"
        tell(f"loss_apart_{name}", apart, "", words)
        return not apart <= most_late  # NaN is a difference

    failed = late_loss_differs("bf16", fit(config, material, device, steps, bf16=True)[1])
    images = next(iter(build_datamodule(config, material).val_dataloader()))["image"]
    network = module.network.eval()
    with torch.no_grad():
        # A CPU's float64 is the measure: no other can say which of two is nearer the truth.
        truth = network.cpu().double()(images.double() / 255).softmax(1)
        network, there = network.float().to(device), images.to(device)

    def probabilities_differ(name: str, net: torch.nn.Module, mixed: bool = False) -> bool:
        with torch.no_grad(), torch.autocast(device, torch.bfloat16, enabled=mixed):
            apart = float((net(there).double().softmax(1).cpu() - truth).abs().max())
        most = TOLERANCES[name]
        words = f"largest difference of a probability from float64 on the CPU; at most {most}"
        tell(f"probability_apart_{name}", apart, "", words)
        return not apart <= most

    failed |= probabilities_differ("float32", network)
    exact(False)
    failed |= probabilities_differ("tf32", network)
    exact(True)
    failed |= probabilities_differ("bf16", network, mixed=True)
    # Last: it needs a C compiler and the most time.
    start = time.perf_counter()
    losses = fit(config, material, device, steps, compiled=True)[1]
    tell("compile_time", time.perf_counter() - start, "s", f"{steps} compiled steps with compiling")
    failed |= late_loss_differs("compiled", losses)
    failed |= probabilities_differ("compiled", torch.compile(network))
    return int(failed)


def exact(exactly: bool) -> None:
    """Whether float32 products keep float32's precision."""
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = not exactly


def fit(
    config: Config,
    material: Material,
    device: str,
    steps: int,
    bf16: bool = False,
    compiled: bool = False,
) -> tuple[PatchClassifier, list[float]]:
    """Train the same network on the same batches; its losses."""
    precision = "bf16-mixed" if bf16 else "32-true"
    trainer = {**config["trainer"], "precision": precision, "compile": compiled}
    config = {**config, "trainer": trainer}
    torch.manual_seed(0)
    loaded = build_datamodule(config, material)
    module = build_classifier(config, loaded, {}).to(device).train()
    optimizer, amp = config_optimizer(module), precision_context(config, device)
    epochs: Iterator[dict[str, torch.Tensor]] = chain.from_iterable(
        loaded.train_dataloader() for _ in range(steps)
    )
    losses = []
    for batch in islice(epochs, steps):
        optimizer.zero_grad()
        with amp():
            logits = module(batch["image"].to(device)).float()
            loss = module.loss(logits, batch["label"].to(device))
        loss.backward()
        optimizer.step()
        losses.append(loss.detach())
    return module, [float(loss) for loss in losses]


def train_on_two(cpu: bool) -> int:
    """Two processes, where there are two devices."""
    if not cpu and torch.cuda.device_count() < 2:
        tell("two_processes", 0, "runs", "there is one device only")
        return 0
    options = overrides("simple_cnn" if cpu else "resnet50", cpu)
    options = [o for o in options if not o.startswith("trainer=")]
    strategy = ["trainer=ddp_cpu"] if cpu else ["trainer=ddp", "trainer.devices=2"]
    start = time.perf_counter()
    quiet = ("explain=none", "report=false", "tracking.log_model=false", "name=gpu_check_two")
    log = app("train", *options, *strategy, *quiet)
    tell("two_processes_time", time.perf_counter() - start, "s", "the app, start to end")
    rates = [float(rate) for rate in re.findall(r"(\d+) patches/s", log)]
    tell("two_processes_rate", max(rates), "patches/s", "the best epoch, both together")
    return 0


if __name__ == "__main__":
    sys.exit(main())
