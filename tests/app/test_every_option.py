"""Every documented value of every option goes through a training, a sweep and a comparison.

Generated from the schema and ``conf/``: the choices of each group, those of each option, and the
values that an option's help names. Each job of one sweep takes many of them at once.
"""

import re
from collections.abc import Callable, Iterator
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from hydra import compose as hydra_compose
from hydra import initialize_config_dir
from omegaconf import OmegaConf

from conftest import ONLY_MAPS, TINY, Cli
from idc.config.schema.apps import APPS, register
from idc.config.schema.option import Option
from idc.config.schema.option import options as options_of
from idc.config.tree import conf_dir

pytestmark = pytest.mark.slow
Row = dict[str, Any]
# Choices and values that a CPU without a network cannot take, or that have tests of their own.
CHOICES_ELSEWHERE = {
    "backbone": ("mobilenet*", "resnet50", "vgg*", "vanilla_cnn", "timm"),  # tests/models
    "trainer": ("gpu", "ddp", "ddp_cpu"),
    "tracking": ("server", "none"),
    "launcher": ("joblib", "slurm"),
    "data": ("run", "[!s]*"),  # tests/data/sources, tests/app: their archives
    "experiment": ("*",),
    "search": ("*",),
    "split": ("patient_15",),  # other shares
}
VALUES_ELSEWHERE = {
    "callbacks.early_stopping.m*": "*",  # it follows monitor.metric and monitor.mode
    "audit.*": "*",  # tests/data/audit: what it refuses is the data's affair
    "backbone.weights": ("imagenet",),
    "data.shuffle_labels": "*",
    "explain.embedding.method": ("umap",),  # an extra
    "explain.methods.*.baselines": (["mean"],),  # a half of the default
    "*resume": "*",
    "*._partial_": "*",
    "split.file": "*",  # see NEEDS
    "split.folds": ("patients",),  # tests/pipelines/test_compare.py
    "trainer.accelerator": ("gpu", "cuda", "mps"),
    "trainer.compile": (True,),  # a minute
    "monitor.mode": ("min",),  # see NEEDS
    "trainer.devices": (-1, "-1", 2),
    "trainer.precision": ("16-mixed",),
    "trainer.profiler": ("pytorch",),  # takes seconds
    "trainer.strategy": ("ddp",),
    "tracking.kind": "*",  # set by the group
}
# What a choice or a value cannot do without.
NEEDS: dict[str, Row] = {
    "inference=mc_dropout": {"head.dropout": 0.1, "inference.dropout_samples": 2},
    "split=predefined": {"split.file": "split.csv"},
    "split=random": {"data.patches_per_patient": 24},  # else no patch has a neighbour in its split
    "monitor.metric=val/loss": {"monitor.mode": "min"},
    "monitor.metric=train/loss": {"monitor.mode": "min"},
    "explain.slides.tiff=True": {"explain.slides.patients": 1},
}
BASE: Row = {
    **{
        place: yaml.safe_load(value)
        for place, value in (o.split("=", 1) for o in (*TINY, *ONLY_MAPS))
        if place not in ("backbone", "explain")
    },
    "data.patches_per_patient": 8,
    "data.image_size": 24,
    "loader.batch_size": 8,
    "trainer.limit_train_batches": 2,
    "explain.count": 2,
    "explain.per_kind": 1,
    "explain.faithfulness.steps": 2,
    "explain.faithfulness.random_maps": 1,
    "explain.faithfulness.perturbations": 1,
    "explain.faithfulness.sensitivity_patches": 1,
    "explain.embedding.points": 20,
    "tracking.log_checkpoints": False,
}
# Rows of these values are tested on other patches, or are called otherwise.
NOT_COMPARED = {"split": ("random",), "tracking.pseudonymise": (True,)}
MOST = 10  # jobs; a list of names such as the metrics' is tried as far as they go


def elsewhere(place: str, value: Any) -> bool:
    return any(
        fnmatchcase(place, name) and (values == "*" or value in values)
        for name, values in VALUES_ELSEWHERE.items()
    )


def every_choice() -> dict[str, list[str]]:
    """Group to its choices."""
    defaults = OmegaConf.load(conf_dir() / "train.yaml").defaults
    groups = [key for one in defaults if not isinstance(one, str) for key in one if key != "hydra"]
    chosen = {}
    for group in groups:
        names = sorted(path.stem for path in (conf_dir() / str(group)).glob("*.yaml"))
        left_out = CHOICES_ELSEWHERE.get(group, ())
        chosen[group] = [n for n in names if not any(fnmatchcase(n, out) for out in left_out)]
    chosen["backbone"] = ["resnet18", *["simple_cnn"] * 4]  # an eighth of the work
    # Methods are chosen together, three in a row.
    methods = [name for name in chosen["explain"] if name not in ("default", "none")]
    together = [f"[{','.join(methods[i : i + 3])}]" for i in range(0, len(methods), 3)]
    chosen["explain"] = ["none", *together]
    return {group: names for group, names in chosen.items() if names}


def documented(option: Option) -> Iterator[Any]:
    """The values that an option's rule lists and its help names, ``none | all | a stage``."""
    yield from option.rule.choices
    for part in option.help.split("|") if "|" in option.help else ():
        words = re.sub(r"\(.*?\)", "", part).rpartition(":")[2].strip()
        if re.fullmatch(r"[\w-]+", words):
            yield yaml.safe_load(words)
    if re.search(r"\b0 (turns|leaves)\b", option.help):
        yield 0


@cache
def every_value() -> dict[str, list[Any]]:
    """Dotted place to the values to be tried, each once."""
    found: dict[str, list[Any]] = {}
    for option in options_of(APPS["train"]):
        values = found.setdefault(option.name, [])
        for value in documented(option):
            known = any(
                value is one or (type(value) is type(one) and value == one) for one in values
            )
            if not known and option.rule.holds(value) and not elsewhere(option.name, value):
                values.append(value)
    return {place: values for place, values in found.items() if values}


def covering_rows() -> list[tuple[dict[str, str], Row]]:
    """Rows that between them hold each choice and each value: choices, and values by place."""
    choices = every_choice()
    rows: list[tuple[dict[str, str], Row]] = []
    composed = []
    register("train")
    with initialize_config_dir(str(conf_dir()), version_base="1.3"):
        for i in range(max(MOST, *map(len, choices.values()))):
            chosen = {group: names[i % len(names)] for group, names in choices.items()}
            rows.append((chosen, {}))
            for choice in chosen.items():
                rows[i][1].update(NEEDS.get("=".join(choice), {}))
            composed.append(hydra_compose("train", [f"{g}={c}" for g, c in chosen.items()]))
    for place, values in every_value().items():
        free = [
            (row, name)
            for (_, row), cfg in zip(rows, composed, strict=True)
            if (name := held(cfg, place)) is not None and name not in row
        ]
        for value in values[: len(free)]:
            row, name = min(free, key=lambda one: len(one[0]))
            free = [one for one in free if one[0] is not row]
            row |= {name: value, **NEEDS.get(f"{name}={value}", {})}
    return rows


def held(cfg: Any, place: str) -> str | None:
    """The dotted name under which a configuration holds an option; ``*`` stands for any name."""
    before, star, after = place.partition(".*.")
    names = (
        [f"{before}.{name}.{after}" for name in OmegaConf.select(cfg, before)] if star else [place]
    )
    for name in names:
        parent, _, last = name.rpartition(".")
        node = OmegaConf.select(cfg, parent) if parent else cfg
        if OmegaConf.is_dict(node) and last in node:
            return name
    return None


def test_values_come_from_the_schema_and_all_find_a_row() -> None:
    values = every_value()
    for place, value in (
        ("threshold.rule", "youden"),
        ("loader.sampler", "balanced"),
        ("backbone.freeze", "all"),
        ("backbone.stem", "small"),
        ("loss.class_weights", "balanced"),
        ("augment.device", "gpu"),
        ("callbacks.early_stopping.patience", None),
        ("explain.faithfulness.baselines", ["blur"]),
        ("explain.methods.*.baseline", "mean"),
        ("trainer.channels_last", False),
        ("intervals.draws", 0),
        ("report", True),
    ):
        assert value in values[place], (place, values.get(place))
    rows = covering_rows()
    for place, some in values.items():
        tried = [v for _, row in rows for name, v in row.items() if fnmatchcase(name, place)]
        lost = [value for value in some if value not in tried]
        assert not lost or not tried or len(tried) >= MOST, (place, lost)
    tried = {p for p in values if any(fnmatchcase(n, p) for _, row in rows for n in row)}
    assert {p.partition(".")[0] for p in values.keys() - tried} <= {"data", "launcher"}
    for group, names in every_choice().items():
        assert {chosen[group] for chosen, _ in rows} == set(names)


def test_every_documented_value_runs_and_is_compared(
    cli: Cli, app: Callable[[str], Cli], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("IDC_PSEUDONYM_KEY", "a secret of some length")
    parts = {"9001": "test", "9002": "val", "9003": "train", "9004": "train", "9005": "train"}
    lines = ["patient,split", *(f"{patient},{split}" for patient, split in parts.items())]
    (tmp_path / "split.csv").write_text("\n".join(lines) + "\n")
    files = tmp_path / "conf" / "experiment"
    files.mkdir(parents=True)
    rows = covering_rows()
    for number, (chosen, row) in enumerate(rows):
        values = {**BASE, "name": f"row{number}"}
        if chosen["split"] == "patient":
            values |= {"split.test_patients": ["9001"], "split.val_patients": ["9002"]}
        content = OmegaConf.create({})
        for place, value in {**values, **row}.items():
            OmegaConf.update(content, place, value)
        overrides = [{f"override /{g}": yaml.safe_load(c)} for g, c in chosen.items()]
        whole = {"defaults": [*overrides, "_self_"], **OmegaConf.to_container(content)}
        text = yaml.safe_dump(whole, sort_keys=False)
        (files / f"row{number}.yaml").write_text(f"# @package _global_\n{text}")
    names = ",".join(f"row{number}" for number in range(len(rows)))
    result = cli("-m", "--config-dir", str(files.parent), f"experiment={names}")
    assert result.code == 0, result.err
    (sweep,) = result.runs("tags.`idc.kind` = 'sweep'")
    jobs = result.runs(f"tags.`mlflow.parentRunId` = '{sweep.info.run_id}'")
    assert len(jobs) == len(rows)
    assert {job.info.status for job in jobs} == {"FINISHED"}
    (folder,) = (tmp_path / "runs" / "sweeps").iterdir()
    for number, (_, row) in enumerate(rows):
        config = OmegaConf.load(folder / str(number) / "config.yaml")
        for place, value in row.items():
            assert OmegaConf.select(config, place) == value, f"row{number}: {place}"
    left_out = {
        f"row{number}"
        for number, (chosen, row) in enumerate(rows)
        if any({**chosen, **row}.get(k) in values for k, values in NOT_COMPARED.items())
    }
    same = [
        job.info.run_id
        for job in jobs
        if job.info.run_name.removeprefix("experiment=") not in left_out
    ]
    compared = app("compare")(f"runs=[{','.join(same)}]", "report=false", "intervals.draws=0")
    assert compared.code == 0, compared.err
