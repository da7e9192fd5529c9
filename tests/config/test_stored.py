"""A checkpoint's word on its run: taken whole as it was written, or refused by the field's name."""

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest
import torch

from config.hostile import content_of
from idc.config.buildable import check_targets, may_be_built
from idc.config.stored import read_origin, storable, with_moment
from idc.config.values import with_values
from idc.errors import CheckpointError

Compose = Callable[..., dict[str, Any]]
Change = Callable[[dict[str, Any]], object]
WHERE = "run=1: best.ckpt"
RUNS = (
    (),
    ("data=idc", "data.root=x", "explain=[gradcam,occlusion]", "augment=strong", "head=mlp"),
    ("backbone=timm", "optimizer=sgd", "scheduler=step", "split=random", "explain=none"),
    ("backbone=resnet50", "optimizer=rmsprop", "+optimizer.alpha=0.9", "loss=focal"),
    ("backbone=vgg16", "split=predefined", "split.file=a.csv", "inference=tta", "trainer=ddp_cpu"),
    ("trainer=debug", "+trainer.gradient_clip_algorithm=norm", "tracking=none", "store.use=false"),
    ("experiment=idc_small", "data.root=x", "calibration=platt", "explain.faithfulness=null"),
)


@pytest.mark.parametrize("overrides", RUNS, ids=" ".join)
def test_what_a_training_stores_is_taken(compose: Compose, overrides: tuple[str, ...]) -> None:
    config = storable(compose(*overrides))
    origin = read_origin(content_of(config), compose(), WHERE)
    assert origin.config == config
    assert origin.splits == {"1": "train", "2": "val", "3": "test"}
    del config["paths"]  # as it is logged
    assert read_origin(content_of(config), compose(), WHERE).config == config


def test_options_that_came_after_a_run_take_their_defaults(compose: Compose) -> None:
    """A group, a part with a value that follows another, and an option."""
    config = storable(compose("data.image_size=40", "augment=strong"))
    then = storable(compose("data.image_size=40", "augment=strong"))
    del then["postprocess"], then["choices"]["postprocess"]
    del then["callbacks"]["early_stopping"]["mode"], then["augment"]["device"]
    del then["callbacks"]["resizing"]
    origin = read_origin(content_of(then), compose(), WHERE)
    assert origin.config["callbacks"]["early_stopping"]["mode"] == "max"
    del config["choices"]["postprocess"]
    assert origin.config == config


def test_an_option_that_another_repeats_may_be_null(compose: Compose) -> None:
    """Both came after the run: ``data.source.window`` follows ``data.window``, which is null."""
    then = storable(compose("data=table", "data.root=x", "data.table=t.csv"))
    config = deepcopy(then)
    del then["data"]["window"], then["data"]["source"]["window"]
    assert read_origin(content_of(then), compose(), WHERE).config == config


def test_methods_that_a_run_left_out_stay_out(compose: Compose) -> None:
    then = storable(compose())
    del then["explain"]["methods"]["gradcam"]
    assert read_origin(content_of(deepcopy(then)), compose(), WHERE).config == then


def set_to(place: str, value: object) -> Change:
    *above, last = place.split(".")

    def change(content: dict[str, Any]) -> None:
        node = content
        for key in above:
            node = node[key]
        if value is ...:
            del node[last]
        else:
            node[last] = value

    return change


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (set_to("idc", ...), "lacks 'idc'"),
        (set_to("idc", "words"), "holds a str as 'idc'"),
        (set_to("idc.config", ...), "lacks 'config'"),
        (set_to("idc.config", [1]), "holds a list as 'config'"),
        (set_to("idc.config.choices", ...), "lacks 'choices'"),
        (set_to("idc.config.data", ...), "lacks data"),
        (set_to("idc.config.data", 3), "data, not a mapping"),
        (set_to("idc.config.augment.transforms", "none"), "augment.transforms"),
        (set_to("idc.config.backbone.channels", {"a": 1}), "backbone.channels"),
        (set_to("idc.config.extra", 1), "unknown key extra"),
        (set_to("idc.config.loader.extra", 1), "unknown key loader.extra"),
        (set_to("idc.config.backbone.extra", 1), "unknown key backbone.extra"),
        (set_to("idc.config.trainer.profiler", "simple"), "unknown key trainer.profiler"),
        (set_to("idc.config.name", "${oc.env:HOME}"), "name is '${oc.env:HOME}'"),
        (set_to("idc.config.data.source.seed", "${data.seed}"), "data.source.seed"),
        (set_to("idc.config.explain.methods", {"${oc.env:HOME}": 1}), "a key of explain.methods"),
        (set_to("idc.config.seed", torch.ones(1)), "seed holds a Tensor"),
        (set_to("idc.config.name", "???"), "name"),
        (set_to("idc.mirrors", ...), "lacks 'mirrors'"),
        (set_to("idc.mirrors", {"data.root": "data.nowhere"}), "mirrors"),
        (set_to("idc.mirrors", {"backbone._target_": "name"}), "mirrors"),
        (set_to("idc.mirrors", {"seed": "name", "name": "seed"}), "mirrors"),
        (set_to("idc.splits", ["train"]), "'splits'"),
        (set_to("idc.splits", {"1": "left"}), "splits: '1'"),
        (set_to("idc.run_id", 7), "'run_id'"),
        (set_to("idc.split", None), "'split'"),
        (set_to("idc.fingerprint", ...), "'fingerprint'"),
        (set_to("idc.history", [[1, 2]]), "history"),
    ],
    ids=lambda v: v if isinstance(v, str) else "",
)
def test_each_fault_is_named(compose: Compose, change: Change, named: str) -> None:
    content = content_of(storable(compose("backbone=simple_cnn")))
    change(content)
    with pytest.raises(CheckpointError) as caught:
        read_origin(content, compose(), WHERE)
    assert named in str(caught.value)
    assert str(caught.value).startswith(WHERE)


def test_what_a_training_is_given_anew_is_not_stored(compose: Compose) -> None:
    plain = compose()
    anew = compose("+callbacks.x._target_=a.B", "+logger.y._target_=c.D", "trainer.profiler=simple")
    assert storable(anew) == storable(plain)
    assert with_moment(storable(plain), anew) == anew


def test_a_configuration_that_holds_itself_comes_to_an_end(compose: Compose) -> None:
    content = content_of(compose())
    loop: list[object] = []
    loop.append(loop)
    content["idc"]["config"]["name"] = loop
    with pytest.raises(CheckpointError, match=WHERE):
        read_origin(content, compose(), WHERE)


def test_the_command_line_may_name_what_else_is_built(compose: Compose) -> None:
    """The very object that it names, and no other way to it."""
    own = with_values(compose(), {"backbone._target_": "idc.models.backbones.tv.vgg11"}, {})
    with pytest.raises(CheckpointError, match=r"backbone would call idc\.models\.backbones\.tv"):
        read_origin(content_of(own), compose(), WHERE)
    trusting = compose("+trusted._target_=torchvision.models.vgg11")
    with pytest.raises(CheckpointError, match="backbone would call"):
        read_origin(content_of(own), trusting, WHERE)
    trusting = compose("+trusted._target_=idc.models.backbones.tv.vgg11")
    check_targets(own, trusting, WHERE)


@pytest.mark.parametrize(
    ("name", "may"),
    [
        ("idc.models.backbones.resnet", True),
        ("torch.optim.NAdam", True),
        ("albumentations.OneOf", True),
        ("idc.models.backbones.load_file", False),
        ("idc.launch.sweep.SweepCallback", False),
        ("torch.optim.Optimizer", True),
        ("torch.optim.swa_utils.update_bn", False),
        ("torch.optim.adamw.torch.load", False),
        ("albumentations.load", False),
        ("albumentations.from_dict", False),
        ("albumentations.core.serialization.load", False),
        ("", False),
    ],
)
def test_the_fixed_set(name: str, may: bool) -> None:
    assert may_be_built(name) is may
