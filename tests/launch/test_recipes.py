"""The recipes compose with any data, and the grid has the jobs that it says."""

from collections.abc import Iterator, Sequence
from itertools import cycle, islice
from typing import Any

import pytest
from hydra import compose, initialize_config_dir
from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import OmegaConf

from hydra_plugins.idc_folds import FoldSweeper
from idc.config.schema.apps import register
from idc.config.tree import choices_of, conf_dir
from idc.launch.sweep import describe
from idc.pipelines.build import check_backbone

NAMED_PATIENTS = ("idc_small",)  # of the real patches
RECIPES = [name for name in choices_of("experiment") if name not in NAMED_PATIENTS]
DATA = [name for name in choices_of("data") if name != "run"]
TURNS = max(len(RECIPES), len(DATA))
PAIRS = list(islice(zip(cycle(RECIPES), cycle(DATA), strict=False), TURNS))


@pytest.fixture(scope="module", autouse=True)
def hydra() -> Iterator[None]:
    register("train")
    with initialize_config_dir(str(conf_dir()), version_base="1.3"):
        yield


def plain(*overrides: str) -> dict[str, Any]:
    content = OmegaConf.to_container(compose("train", list(overrides)), resolve=False)
    assert isinstance(content, dict)
    return content


@pytest.mark.parametrize(("recipe", "data"), PAIRS)
def test_recipes_leave_the_choice_of_data_free(recipe: str, data: str) -> None:
    of_data = plain(f"data={data}")["data"]
    config = plain(f"experiment={recipe}", f"data={data}")
    own = {"image_size": config["data"]["image_size"]}  # small_sample's phases end with it
    assert config["data"] == {**of_data, **(own if recipe == "small_sample" else {})}
    check_backbone({**config, "data": {**config["data"], "image_size": 50}})


@pytest.mark.parametrize("backbone", ["vgg16", "mobilenet_v1", "nasnet"])
def test_the_capstone_freezes_six_layers_of_its_other_networks(backbone: str) -> None:
    config = plain("experiment=capstone", f"backbone={backbone}")
    assert config["backbone"]["freeze"] == 6
    check_backbone({**config, "data": {**config["data"], "image_size": 50}})


def jobs(overrides: Sequence[str]) -> list[dict[str, str]]:
    planned = describe(compose("train", list(overrides), return_hydra_config=True)).planned
    assert planned is not None
    return [dict(one.split("=", 1) for one in job) for job in planned]


def test_the_grid_is_every_setting_by_the_folds_that_it_has() -> None:
    planned = jobs(["experiment=capstone", "search=capstone_grid"])
    assert len(planned) == 3 * 4 * 3 * (5 + 7 + 10)
    assert len({tuple(sorted(job.items())) for job in planned}) == len(planned)
    assert all(int(job["split.fold"]) < int(job["split.folds"]) for job in planned)
    assert {job["optimizer"] for job in planned} == {"adam", "rmsprop", "sgd_slow", "adadelta"}
    # Each optimiser has its own arguments, whatever the experiment's has.
    for optimizer in ("adam", "adadelta"):
        config = plain("experiment=capstone", f"optimizer={optimizer}")["optimizer"]
        assert "momentum" not in config


def test_batches_of_jobs_hold_them_all() -> None:
    overrides = OverridesParser.create().parse_overrides(
        ["split.folds=2,3", "split.fold=range(0,3)"]
    )
    (whole,) = FoldSweeper.split_arguments(overrides, None)
    batches = FoldSweeper.split_arguments(overrides, 2)
    assert [len(batch) for batch in batches] == [2, 2, 1]
    assert [job for batch in batches for job in batch] == whole
    (alone,) = FoldSweeper.split_arguments(
        OverridesParser.create().parse_overrides(["split.folds=2", "split.fold=2"]), None
    )
    assert len(alone) == 1
