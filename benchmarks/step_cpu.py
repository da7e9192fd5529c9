"""What the app costs beside the bare step: training on the CPU through everything it does.

python benchmarks/step_cpu.py [--quick]

The baseline is a plain PyTorch loop with the same network, loss, optimizer, precision and memory
format over batches that lie in memory. The app reads patches, measures and watches beside it; its
defaults also ask for deterministic kernels and augment, on the same cores.
"""

import statistics

from common import arguments, scratch, tell
from training import bare_loop, configure, load_material, train

VARIANTS = {
    "plain": ("augment=none", "trainer.deterministic=false"),
    "deterministic": ("augment=none",),
    "default": ("augment=light",),
}
BACKBONES = ("mobilenet_v3_small", "resnet18")


def main() -> None:
    quick = arguments(__doc__).quick
    steps, skip, repeats = (20, 4, 3) if quick else (60, 6, 5)
    for backbone in BACKBONES[:1] if quick else BACKBONES:
        configs = {
            name: configure(
                scratch(),
                "data.patches_per_patient=600",
                f"backbone={backbone}",
                *changes,
                "trainer=cpu",
                "trainer.max_epochs=1",
                f"trainer.limit_train_batches={steps + skip}",
                "trainer.limit_val_batches=1",
            )
            for name, changes in VARIANTS.items()
        }
        material = load_material(configs["plain"])
        rates: dict[str, list[float]] = {name: [] for name in (*VARIANTS, "bare")}
        for _ in range(repeats):
            for name, config in configs.items():
                rates[name].append(train(config, material, skip))
            rates["bare"].append(bare_loop(configs["plain"], material, steps, skip))
        loop = statistics.median(rates["bare"])
        for name, changes in VARIANTS.items():
            app = statistics.median(rates[name])
            tell(
                f"step_cpu_{backbone}_{name}",
                app / loop,
                f"the app with {' '.join(changes)}, {app:,.0f} patches/s",
                f"a bare loop, {loop:,.0f} patches/s",
            )


if __name__ == "__main__":
    main()
