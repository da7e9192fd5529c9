"""Values that repeat another follow it, and nothing else changes."""

from omegaconf import OmegaConf

from idc.config.values import look_up, mirrors_of, named_too, with_values

COMPOSED = OmegaConf.create(
    {
        "data": {
            "root": "/here",
            "size": "${.patch}",
            "patch": 50,
            "source": {"root": "${data.root}", "side": "${data.size}", "words": "a ${data.root}"},
        },
        "explain": {"regions": {"pixel": "${..slides.pixel}"}, "slides": {"pixel": 0.5}},
        "paths": {"root": "/root", "runs": "${.root}"},
        "beside": "${paths.root}",
        "secret": "${oc.env:HOME}",
        "whole": "${data}",
        "loop": "${pool}",
        "pool": "${loop}",
        "nowhere": "${absent}",
    }
)
MIRRORS = {
    "data.size": "data.patch",
    "data.source.root": "data.root",
    "data.source.side": "data.patch",
    "explain.regions.pixel": "explain.slides.pixel",
}
PLAIN = {
    "data": {"root": "/here", "size": 50, "patch": 50, "source": {"root": "/here", "side": 50}},
    "explain": {"regions": {"pixel": 0.5}, "slides": {"pixel": 0.5}},
}


def test_mirrors_are_whole_values_that_stand_somewhere() -> None:
    assert mirrors_of(COMPOSED) == MIRRORS


def test_a_new_value_reaches_those_that_follow() -> None:
    changed = with_values(PLAIN, {"data.patch": 64, "data.root": "/there"}, MIRRORS)
    source = {"root": "/there", "side": 64}
    assert changed["data"] == {"root": "/there", "size": 64, "patch": 64, "source": source}
    assert changed["explain"] == PLAIN["explain"]
    assert PLAIN["data"]["patch"] == 50


def test_a_value_of_its_own_wins() -> None:
    changed = with_values(PLAIN, {"data.patch": 64, "data.size": 96}, MIRRORS)
    assert changed["data"]["size"] == 96
    assert changed["data"]["source"]["side"] == 64


def test_names_with_those_that_follow() -> None:
    assert named_too(["data.root"], MIRRORS) == {"data.root", "data.source.root"}


def test_look_up() -> None:
    assert look_up(PLAIN, "data.source.side") == 50
    assert look_up(PLAIN, "data.source.side.deeper", "none") == "none"
    assert look_up(PLAIN, "absent") is None
