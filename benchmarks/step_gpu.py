"""GPU training through the whole app, against the bare step and against a folder of PNGs.

python benchmarks/step_gpu.py [--quick] [--cpu]

ResNet50 at 50x50 in bf16 with ``augment=gpu``. The first baseline runs the same network, loss and
optimizer over one batch that lies on the GPU: what the device can do at best. The second feeds the
same training from torchvision's ImageFolder with albumentations in 16 workers. Also: whether a step
makes the host wait for the device (``torch.cuda.set_sync_debug_mode``), what ``torch.compile``,
fused optimizers and TF32 bring. ``--cpu`` runs the script's parts, small, on a CPU, to check them;
its figures mean nothing.
"""

import statistics
import sys
import time
from pathlib import Path

import torch
from common import arguments, png_folder, scratch, tell
from loader import folder_loader
from training import bare_loop, configure, load_material, precision_context, train

from idc.config.build import Config
from idc.data.material import Material
from idc.pipelines.build import build_classifier, build_datamodule

FOLDER_WORKERS = 16


def main() -> None:
    cpu = "--cpu" in sys.argv
    sys.argv = [argument for argument in sys.argv if argument != "--cpu"]
    quick = arguments(__doc__).quick
    if not cpu and not torch.cuda.is_available():
        print("step_gpu: no CUDA GPU here; --cpu checks the script on a CPU")
        return
    device = "cpu" if cpu else "cuda"
    count, batch = (4_000, 16) if cpu else (20_000, 512) if quick else (120_000, 1024)
    steps, skip, repeats = (6, 2, 1) if cpu else (60, 10, 2) if quick else (200, 20, 3)
    root = png_folder(count)
    common = (
        "data=idc",
        f"data.root={root}",
        "backbone=simple_cnn" if cpu else "backbone=resnet50",
        "augment=gpu",
        f"trainer={'cpu' if cpu else 'gpu'}",
        "trainer.devices=1",
        "trainer.max_epochs=1",
        f"loader.batch_size={batch}",
        f"trainer.limit_train_batches={steps + skip}",
        "trainer.limit_val_batches=1",
        "split.test_fraction=0.1",
        "split.val_fraction=0.1",
    )
    config = configure(scratch(), *common)
    material = load_material(config)
    train(config, material, skip)  # kernels are chosen, the set comes to the device
    ours, bare = [], []
    for _ in range(repeats):
        ours.append(train(config, material, skip))
        bare.append(bare_loop(config, material, steps, skip, device, batches_in_memory=1))
    app, loop = statistics.median(ours), statistics.median(bare)
    what = f"the app, {app:,.0f} patches/s"
    tell("step_gpu", app / loop, what, f"one resident batch, {loop:,.0f} patches/s")
    folder = folder_rate(config, material, root, steps // 2, device)
    against = f"ImageFolder, {FOLDER_WORKERS} workers, {folder:,.0f} patches/s"
    tell("step_gpu_folder", app / folder, what, against)
    if not cpu:
        waits = count_syncs(config, material)
        print(
            f"step_gpu_syncs value={waits} waits (of the host in 10 steps; 0 is right)", flush=True
        )
    for name, changes in {
        "not_fused": ["optimizer.fused=false"],
        "channels_first": ["trainer.channels_last=false"],
        "float32": ["trainer.precision=32-true"],
        "float32_tf32": ["trainer.precision=32-true", "trainer.matmul_precision=high"],
        "not_deterministic": ["trainer.deterministic=false"],
        "augment_light": ["augment=light", "augment.device=gpu"],
        "compile": ["trainer.compile=true"],  # last: it takes the most time
    }.items():
        rate = train(configure(scratch(), *common, *changes), material, skip)
        tell(f"step_gpu_{name}", rate / app, f"{name}, {rate:,.0f} patches/s", what)


def folder_rate(config: Config, material: Material, root: Path, steps: int, device: str) -> float:
    """The same training fed by ImageFolder; patches/s."""
    from training import config_optimizer

    data = build_datamodule(config, material)
    module = build_classifier(config, data, {}).to(device).train()
    optimizer, amp = config_optimizer(module), precision_context(config, device)
    loader = folder_loader(root, "strong", config["loader"]["batch_size"], FOLDER_WORKERS)
    seen, begun = 0, time.perf_counter()
    for step, (images, labels) in enumerate(loader):
        if step == 2:
            seen, begun = 0, time.perf_counter()
        optimizer.zero_grad()
        with amp():
            images = images.to(device, non_blocking=True)
            logits = module.network(images).float()
            loss = module.loss(logits, (labels % 2).to(device, non_blocking=True))
        loss.backward()
        optimizer.step()
        seen += len(labels)
        if step == steps + 2:
            break
    if device == "cuda":
        torch.cuda.synchronize()
    return seen / (time.perf_counter() - begun)


def count_syncs(config: Config, material: Material) -> int:
    """How often ten training steps of the app make the host wait for the device."""
    import warnings

    data = build_datamodule(config, material)
    data.device = torch.device("cuda")
    module = build_classifier(config, data, {}).to("cuda").train()
    from training import config_optimizer

    optimizer, amp = config_optimizer(module), precision_context(config, "cuda")
    module.log = lambda *arguments, **options: None  # type: ignore[method-assign]
    batches = iter(data.train_dataloader())
    next(batches)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        torch.cuda.set_sync_debug_mode("warn")
        for step in range(10):
            optimizer.zero_grad()
            with amp():
                loss = module.training_step(next(batches), step)
            loss.backward()
            optimizer.step()
        torch.cuda.set_sync_debug_mode("default")
    return sum("synchroniz" in str(one.message) for one in caught)


if __name__ == "__main__":
    main()
