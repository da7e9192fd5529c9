"""Shared fixtures: a composed configuration, a tiny Kaggle folder, a run's own root."""

import gc
import logging
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, redirect_stderr, redirect_stdout
from copy import deepcopy
from dataclasses import dataclass
from functools import cache, partial
from importlib import import_module
from io import BytesIO, TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import cv2
import numpy as np
import pytest
from filelock import FileLock
from hydra._internal.hydra import Hydra
from hypothesis import HealthCheck, settings

from idc.data.sources.synthetic import kaggle_path

if TYPE_CHECKING:
    import mlflow

os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")  # the tests are written for a CPU
os.environ.setdefault("IDC_PROGRESS", "0")
# Before torch is imported: tests run side by side, and threads that outnumber the cores wait for
# one another at every layer (fifty times slower was seen).
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.pop("MLFLOW_TRACKING_URI", None)

# Helpers are imported by their own name: `from stored_run import write_run`.
HELPERS = {p.parent for p in Path(__file__).parent.rglob("*.py") if not p.name.startswith("test_")}
sys.path[:0] = sorted(map(str, HELPERS))

# Seconds after which something hangs: no machine is so slow, and nothing waits as long for success.
PATIENCE = 600
# The speed of a machine decides no test. --hypothesis-profile=thorough looks at more examples.
for profile, examples in (("quick", 40), ("thorough", 400)):
    settings.register_profile(
        profile,
        deadline=None,
        max_examples=examples,
        suppress_health_check=[HealthCheck.too_slow],
    )
settings.load_profile("quick")
Folder = Callable[..., Path]


@pytest.fixture(autouse=True, scope="module")
def modules_are_no_garbage() -> None:
    """Leave what is imported out of each garbage collection: a quarter second with PyTorch."""
    gc.collect()
    gc.freeze()


WHOLE_APPS = {"cli", "app", "prepare", "shell", "whole", "trained", "swept", "trained_root"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What runs whole apps is slow."""
    for item in items:
        if WHOLE_APPS & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.slow)


def pytest_unconfigure() -> None:
    gc.unfreeze()


# What can happen to an image file.
BREAKS: dict[str, Callable[[Path], object]] = {
    "corrupt": lambda p: p.write_bytes(b"\x89PNG\r\n\x1a\n" + b"x" * 99 + b"IEND\xaeB`\x82"),
    "truncated": lambda p: p.write_bytes(p.read_bytes()[:-300]),
    "0-byte": lambda p: p.write_bytes(b""),
    "16-bit": lambda p: cv2.imwrite(str(p), cv2.imread(str(p)).astype(np.uint16) * 257),
    "grey": lambda p: cv2.imwrite(str(p), cv2.imread(str(p))[:, :, 0]),
    "RGBA": lambda p: cv2.imwrite(str(p), cv2.cvtColor(cv2.imread(str(p)), cv2.COLOR_BGR2BGRA)),
}


@pytest.fixture
def kaggle(tmp_path: Path) -> Folder:
    """Make a folder in the Kaggle layout: `kaggle({"9001": (6, 4)})`, negatives and positives."""

    def make(patients: dict[str, tuple[int, int]], size: int = 50) -> Path:
        root = tmp_path / "kaggle"
        for number, (patient, counts) in enumerate(patients.items()):
            rng = np.random.default_rng(number)
            for label, count in enumerate(counts):
                for i in range(count):
                    path = root / kaggle_path(patient, 50 * i + 1, 50 * label + 1, label)
                    path.parent.mkdir(parents=True, exist_ok=True)
                    # Blue for positives: a network learns it in a few steps.
                    image = rng.integers(120, 200, (size, size, 3), dtype=np.uint8)
                    image[:, :, 0] = np.clip(image[:, :, 0] + 50 * label, 0, 255)
                    cv2.imwrite(str(path), image)
        return root

    return make


@pytest.fixture
def small_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Figures of pages are drawn small: what they look like is tested in tests/plots."""
    from idc.runtime import drawing

    monkeypatch.setattr(drawing, "DPI", 40)


@pytest.fixture
def real_patches() -> Path:
    """The real IDC patches, where this machine has them."""
    shared = Path(__file__).parents[2] / "shared" / "data" / "idc"
    root = Path(os.environ.get("IDC_DATA", shared))
    if not root.is_dir():
        pytest.skip("the real patches are not here (IDC_DATA)")
    return root


@cache
def composed(overrides: tuple[str, ...], environment: tuple[str | None, ...]) -> dict[str, Any]:
    """The resolved configuration of a training; Hydra takes a third of a second for each."""
    from hydra import compose as hydra_compose
    from hydra import initialize_config_dir
    from omegaconf import open_dict

    from idc.config.build import resolve
    from idc.config.schema.apps import register
    from idc.config.tree import conf_dir

    register("train")
    with initialize_config_dir(str(conf_dir()), version_base="1.3"):
        cfg = hydra_compose("train", ["paths.root=root", *overrides], return_hydra_config=True)
    choices = dict(cfg.hydra.runtime.choices)
    with open_dict(cfg):
        del cfg["hydra"]
    return resolve(cfg, choices)


@pytest.fixture
def compose() -> Callable[..., dict[str, Any]]:
    """Compose and resolve the training configuration, as the app does."""
    variables = ("IDC_ROOT", "MLFLOW_TRACKING_URI")
    return lambda *overrides: deepcopy(composed(overrides, tuple(map(os.getenv, variables))))


@dataclass(frozen=True)
class Result:
    """What a command did."""

    code: int
    out: str
    err: str
    root: Path

    @property
    def client(self) -> "mlflow.MlflowClient":
        import mlflow

        return mlflow.MlflowClient(f"sqlite:///{self.root / 'mlruns' / 'mlflow.db'}")

    def runs(self, filter_string: str = "") -> list["mlflow.entities.Run"]:
        """The runs, newest first."""
        client = self.client
        (experiment,) = client.search_experiments(filter_string="name = 'idc'")
        return list(client.search_runs([experiment.experiment_id], filter_string))

    def metrics(self, run: "mlflow.entities.Run") -> dict[str, float]:
        """All metrics of a run, those of its tables too."""
        from idc.tracking.lookup import all_metrics
        from idc.tracking.mlflow_store import MlflowStore

        mlruns = self.root / "mlruns"
        store = MlflowStore(
            f"sqlite:///{mlruns / 'mlflow.db'}",
            run.info.experiment_id,
            journals=mlruns / "journal",
        )
        return all_metrics(store, run)

    @property
    def folders(self) -> list[Path]:
        """The runs' folders, oldest first."""
        return sorted(p.parent for p in (self.root / "runs").rglob("outcome.json"))


# A whole run of the app in about two seconds.
TINY = (
    "data.patients=5",
    "data.patches_per_patient=24",
    "backbone=simple_cnn",
    "trainer.max_epochs=1",
    "trainer.enable_progress_bar=false",
    "trainer.accelerator=cpu",
    "trainer.devices=1",
    "loader.batch_size=16",
    "loader.num_workers=0",
    "intervals.draws=20",
    "explain=none",
    "report=false",
    "tracking.log_model=false",
    "tracking.system_metrics=false",
)
# Of an explanation the attributions alone: the rest takes some seconds.
ONLY_MAPS = ("explain.parts=false",)
# All parts of an explanation, each small.
EXPLAINED = (
    *("explain.per_kind=1", "explain.methods.integrated_gradients.steps=4"),
    *("explain.faithfulness.patches=4", "explain.faithfulness.steps=4"),
    *("explain.faithfulness.random_maps=1", "explain.faithfulness.perturbations=2"),
    "explain.faithfulness.sensitivity_patches=2",
    *("explain.features.patches=1", "explain.features.units=2", "explain.slides.patients=1"),
)
IDC_TINY = (*(o for o in TINY if not o.startswith("data.")), "data=idc")
Cli = Callable[..., Result]


Once = Callable[[str, Callable[[Path], object]], Path]


@pytest.fixture(scope="session")
def once(tmp_path_factory: pytest.TempPathFactory) -> Once:
    """Make a folder once for all tests, whichever process comes first: `once(name, make)`.

    Tests only read it; whoever writes takes a copy (`copy_root`).
    """
    base = tmp_path_factory.getbasetemp()
    shared = (base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base) / "once"

    def folder(name: str, make: Callable[[Path], object]) -> Path:
        target, done = shared / name, shared / f"{name}.done"
        target.mkdir(parents=True, exist_ok=True)
        with FileLock(shared / f"{name}.lock"):
            if not done.exists():
                make(target)
                done.touch()
        return target

    return folder


@pytest.fixture(scope="session")
def empty_database(once: Once) -> Path:
    """An MLflow database without any run: to make a new one takes MLflow six seconds."""
    from idc.tracking.mlflow_store import open_store

    folder = once("template", lambda folder: open_store("local", None, "template", folder))
    return folder / "mlflow.db"


@contextmanager
def copied_database(empty: Path) -> Iterator[None]:
    """While inside, stores begin as a copy of the empty database."""
    from idc.tracking import mlflow_store

    make = mlflow_store._open

    def copy_first(uri: str, experiment: str, mlruns: Path) -> mlflow_store.MlflowStore:
        path = Path(unquote(uri.removeprefix("sqlite:///")))
        if uri.startswith("sqlite:") and not path.exists():
            shutil.copyfile(empty, path)
        return make(uri, experiment, mlruns)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(mlflow_store, "_open", copy_first)
        yield


@pytest.fixture
def database(empty_database: Path, tmp_path: Path) -> Path:
    """The empty database in this test's own root, for processes of their own."""
    (tmp_path / "mlruns").mkdir()
    return shutil.copyfile(empty_database, tmp_path / "mlruns" / "mlflow.db")


@pytest.fixture
def ready_made_store(empty_database: Path) -> Iterator[None]:
    """Stores begin as a copy of the empty database."""
    with copied_database(empty_database):
        yield


@pytest.fixture
def cli(tmp_path: Path, ready_made_store: None) -> Cli:
    """`idc.train`'s own main with these arguments, in this process: exit code and output."""
    return partial(in_process, "train", tmp_path)


@pytest.fixture
def prepare(tmp_path: Path, ready_made_store: None) -> Cli:
    """The same for `idc.prepare`."""
    return partial(in_process, "prepare", tmp_path)


@pytest.fixture
def app(tmp_path: Path, ready_made_store: None) -> Callable[[str], Cli]:
    """Any app by its name: `app("evaluate")("run=ID")`."""
    return lambda name: partial(in_process, name, tmp_path)


_, BLANK = cv2.imencode(".png", np.full((8, 8, 3), 255, np.uint8))


def save_blank(figure: object, path: Path, **options: object) -> None:
    """In place of a figure an empty picture: to draw them takes a third of the time of an app."""
    Path(path).write_bytes(BLANK.tobytes())


class Screen(TextIOWrapper):
    """Keeps what is printed, and has what a real stream has: an encoding, bytes below."""

    def __init__(self) -> None:
        self.written = BytesIO()
        super().__init__(self.written, "utf-8", write_through=True)

    @property
    def text(self) -> str:
        return self.written.getvalue().decode()


def in_process(name: str, root: Path, *arguments: str, drawn: bool = False) -> Result:
    """Run an app's own main in this process, with IDC_ROOT at `root`.

    Args:
        name: The app.
        root: Where it keeps everything.
        arguments: Its command line.
        drawn: Whether figures are drawn, small; else they are made, but their files are empty.
    """
    app = import_module(f"idc.{name}")
    drawing, figure = map(import_module, ("idc.runtime.drawing", "matplotlib.figure"))
    handlers = logging.getLogger().handlers[:]
    with (
        pytest.MonkeyPatch.context() as patch,
        redirect_stdout(Screen()) as out,
        redirect_stderr(Screen()) as err,
    ):
        patch.setenv("IDC_ROOT", str(root))
        patch.setattr(sys, "argv", [f"idc.{name}", *arguments])
        # What figures look like is tested with the figures.
        if drawn:
            patch.setattr(drawing, "DPI", 30)
        else:
            patch.setattr(figure.Figure, "savefig", save_blank)
        patch.setattr(drawing, "count_cores", lambda: 1)
        # Hydra composes everything once more, for hydra.mode alone, which nothing here sets.
        patch.setattr(Hydra, "get_mode", lambda *_, **__: None)
        try:
            app.main()
            code = 0
        except SystemExit as stop:
            code = int(stop.code or 0)
        finally:
            for handler in logging.getLogger().handlers:
                if handler not in handlers:
                    handler.close()
            logging.getLogger().handlers = handlers
    return Result(code, out.text, err.text, root)


@pytest.fixture(scope="session")
def trained_root(once: Once, empty_database: Path) -> Path:
    """The root of one finished run of `TINY`, for all tests that only need some run."""

    def make(root: Path) -> None:
        with copied_database(empty_database):
            result = in_process("train", root, *TINY)
        assert result.code == 0, result.err

    return once("trained", make)


@pytest.fixture
def trained(trained_root: Path, tmp_path: Path) -> Result:
    """A finished run of `TINY` in this test's own root."""
    return copy_root(trained_root, tmp_path)


@pytest.fixture(scope="session")
def whole(once: Once, empty_database: Path) -> Result:
    """One run with everything that a run has, small; only to be read."""
    left_out = ("explain", "report", "tracking.", "trainer.max_epochs")
    more = ("trainer.max_epochs=2", "tracking.system_metrics_interval=0.2", "postprocess=mean")

    def make(root: Path) -> None:
        options = [o for o in TINY if not o.startswith(left_out)]
        with copied_database(empty_database):
            result = in_process("train", root, *options, *more, *EXPLAINED, drawn=True)
        assert result.code == 0, result.err
        (root / "stdout.txt").write_text(result.out, encoding="utf-8")

    root = once("whole", make)
    return Result(0, (root / "stdout.txt").read_text(encoding="utf-8"), "", root)


@pytest.fixture
def swept(once: Once, empty_database: Path, tmp_path: Path) -> Result:
    """A finished sweep of `TINY` over two seeds in this test's own root."""

    def make(root: Path) -> None:
        with copied_database(empty_database):
            result = in_process("train", root, "-m", *TINY, "seed=1,2")
        assert result.code == 0, result.err

    return copy_root(once("swept", make), tmp_path)


def copy_root(root: Path, target: Path) -> Result:
    """Copy a root with its runs, so that the copy no longer knows the original."""
    from mlflow.tracking._tracking_service import utils

    # MLflow keeps where a run's artifacts lie by the run's id, which all copies share.
    utils._artifact_repos_cache.clear()
    shutil.copytree(root, target, dirs_exist_ok=True)
    old, new = str(root), str(target)
    texts = (".json", ".jsonl", ".yaml", ".log", ".txt")
    for path in target.rglob("*"):
        if path.suffix in texts and old in (text := path.read_text(encoding="utf-8")):
            path.write_text(text.replace(old, new), encoding="utf-8")
    with closing(sqlite3.connect(target / "mlruns" / "mlflow.db")) as database, database:
        tables = [name for (name,) in database.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table'"
        )]  # fmt: skip
        for table in tables:
            for _, column, kind, *_ in database.execute(f"PRAGMA table_info({table})").fetchall():
                if kind.startswith(("VARCHAR", "TEXT")):
                    database.execute(
                        f"UPDATE {table} SET {column} = replace({column}, ?, ?) "
                        f"WHERE instr({column}, ?)", (old, new, old)
                    )  # fmt: skip
    return Result(0, "", "", target)


@pytest.fixture
def shell(tmp_path: Path, database: Path) -> Cli:
    """`python -m idc.train` with these arguments, in a process of its own."""

    def run(*arguments: str, **environment: str) -> Result:
        done = subprocess.run(
            [sys.executable, "-m", "idc.train", *arguments],
            capture_output=True,
            text=True,
            cwd=tmp_path,
            env={**os.environ, "IDC_ROOT": str(tmp_path), **environment},
            timeout=PATIENCE,
        )
        return Result(done.returncode, done.stdout, done.stderr, tmp_path)

    return run
