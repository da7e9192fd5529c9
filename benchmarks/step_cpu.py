"""What the app costs beside the bare step: training on the CPU through everything it does.

python benchmarks/step_cpu.py [--quick]

The baseline is a plain PyTorch loop with the same network, loss, optimizer, precision and memory
format over batches that lie in memory. The app reads, augments (``augment=light``), measures and
logs beside it.
"""

import statistics

from common import arguments, scratch, tell
from training import bare_loop, configure, load_material, train

BACKBONES = ("mobilenet_v3_small", "resnet18")


def main() -> None:
    quick = arguments(__doc__).quick
    steps, skip, repeats = (20, 4, 3) if quick else (60, 6, 5)
    for backbone in BACKBONES[:1] if quick else BACKBONES:
        config = configure(
            scratch(),
            "data.patches_per_patient=600",
            f"backbone={backbone}",
            "trainer=cpu",
            "trainer.max_epochs=1",
            f"trainer.limit_train_batches={steps + skip}",
            "trainer.limit_val_batches=1",
        )
        material = load_material(config)
        ours, bare = [], []
        for _ in range(repeats):
            ours.append(train(config, material, skip))
            bare.append(bare_loop(config, material, steps, skip))
        app, loop = statistics.median(ours), statistics.median(bare)
        tell(
            f"step_cpu_{backbone}",
            app / loop,
            f"the app, {app:,.0f} patches/s",
            f"a bare loop, {loop:,.0f} patches/s",
        )


if __name__ == "__main__":
    main()
