"""200 explained patches, from the network to the artifacts of an MLflow run.

python benchmarks/explaining.py [--quick]

Grad-CAM and integrated gradients of a MobileNetV3-small at 50x50, drawn eight to a page and logged
to a local store. Baseline: the same with all figures drawn in one process.
"""

import statistics
import tempfile
from pathlib import Path

import numpy as np
import torch
from common import arguments, tell, timed

from idc.attribution.methods import GradCam, IntegratedGradients
from idc.attribution.pipeline.explained_model import Subject
from idc.attribution.pipeline.galleries import show_cases
from idc.attribution.pipeline.step import Task, Trust
from idc.attribution.select import Selection
from idc.config.schema.explain import Explain
from idc.config.schema.option import defaults
from idc.data.sources.synthetic import SyntheticSource
from idc.models import backbones
from idc.models.heads import linear
from idc.models.network import Network
from idc.runtime.cores import count_cores
from idc.runtime.drawing import Drawer
from idc.tracking.mlflow_run import MlflowRun
from idc.tracking.mlflow_store import open_store
from idc.tracking.privacy import Redactor

SIZE, COUNT = 50, 200
LIMIT = 60.0  # seconds
METHODS = {"gradcam": GradCam(), "integrated_gradients": IntegratedGradients()}


def main() -> None:
    quick = arguments(__doc__).quick
    count, repeats = (32, 1) if quick else (COUNT, 3)
    subject = untrained(count)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        store = open_store("local", None, "benchmark", folder, Redactor(False, None, folder))
        assert store is not None
        seconds: dict[str, list[float]] = {"pool": [], "one process": []}
        for number in range(repeats):
            for how, times in seconds.items():
                run = MlflowRun(store, name=f"{how} {number}")
                workers = count_cores() if how == "pool" else 1
                place = folder / f"{how}_{number}"
                times.append(timed(lambda w=workers, r=run, p=place: explained(subject, w, r, p)))
    pool, alone = (statistics.median(times) for times in seconds.values())
    tell(
        "explaining_pool", alone / pool, f"{count} patches in {pool:.1f} s", f"{alone:.1f} s alone"
    )
    if not quick:
        tell("explaining_time", pool / LIMIT, f"{pool:.1f} s", f"{LIMIT:.0f} s")


def untrained(count: int) -> Subject:
    """A network with random weights, and patches of four patients with made-up decisions."""
    source = SyntheticSource(4, count // 4, SIZE)
    index = source.scan().index
    torch.manual_seed(0)
    backbone = backbones.mobilenet("mobilenet_v3_small", SIZE)
    network = Network(backbone, linear(backbone.num_features, 2), SIZE).eval()
    predictions = index.assign(
        patient=index["patient"], split="test", row=np.arange(len(index)), score=0.5, loss=1.0,
        predicted=np.arange(len(index)) % 2,
    )  # fmt: skip
    patches = source.read(index).patches
    names = source.class_names
    return Subject(network, predictions, index, patches, names, SIZE, 0.5, torch.device("cpu"))


def explained(subject: Subject, workers: int, run: MlflowRun, folder: Path) -> None:
    options = {**defaults(Explain), "count": COUNT, "batch_size": 64}
    options["regions"]["pixel_size"] = None
    folder.mkdir()
    task = Task(subject, options, Selection("all"), subject.test, METHODS, folder, Trust())
    drawer = Drawer(workers)
    drawer.add(show_cases(task).drawings)
    drawer.finish()
    run.artifacts(folder, "explain")
    run.end("FINISHED")


if __name__ == "__main__":
    main()
