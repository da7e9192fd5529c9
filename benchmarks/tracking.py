"""What it costs to track: full callbacks and MLflow on SQLite, against neither.

python benchmarks/tracking.py [--quick]

Both train the default backbone for the same epochs, validation included. The tracked run saves
checkpoints, watches the rates, logs to MLflow every 50 steps and samples the machine every 10 s.
"""

import statistics

from common import arguments, scratch, tell
from training import configure, load_material, train


def main() -> None:
    quick = arguments(__doc__).quick
    steps, epochs, repeats = (40, 2, 3) if quick else (150, 3, 5)
    config = configure(
        scratch(),
        "data.patches_per_patient=300" if quick else "data.patches_per_patient=1100",
        "trainer=cpu",
        f"trainer.max_epochs={epochs}",
        f"trainer.limit_train_batches={steps}",
        "trainer.limit_val_batches=2",
    )
    material = load_material(config)
    train(config, material, skip=4)  # the store's database is made, kernels are chosen
    tracked, plain = [], []
    for _ in range(repeats):
        tracked.append(train(config, material, skip=4, whole=True, tracked=True))
        plain.append(train(config, material, skip=4, whole=True, callbacks=False))
    with_it, without = statistics.median(tracked), statistics.median(plain)
    tell(
        "tracking",
        without / with_it,
        f"time with callbacks and MLflow, {with_it:,.0f} patches/s",
        f"without, {without:,.0f} patches/s",
    )


if __name__ == "__main__":
    main()
