"""Every option of every app is explained, and its default is one of its values."""

import pytest

from idc.config.schema.apps import APPS, own_options, part_names, rule_for, rules
from idc.config.schema.option import BY_CHOICE, REQUIRED, options

ALL = [(app, one) for app, kind in APPS.items() for one in options(kind)]


@pytest.mark.parametrize("app", APPS)
def test_defaults_pass_their_own_rules(app: str) -> None:
    for name, one in ALL:
        computed = one.default in (BY_CHOICE, REQUIRED) or "${" in str(one.default)
        if name == app and not computed:
            assert one.rule.holds(one.default), one.name


def test_each_option_has_words_for_its_values_and_its_meaning() -> None:
    hydras = {"_target_", "_partial_"}
    assert {one.name.rpartition(".")[2] for _, one in ALL if not one.help} <= hydras
    assert all(one.rule.words for _, one in ALL)


def test_what_a_target_does_not_take_is_known_by_its_part() -> None:
    assert {"freeze", "lr_factor", "normalize"} <= own_options("backbone")
    assert "weights" not in own_options("backbone")
    assert own_options("no such part") == frozenset()
    assert {"data.columns", "callbacks.ema", "audit.limits"} <= part_names()


def test_names_within_open_parts_have_the_rule_of_their_kind() -> None:
    (pattern, *_) = (name for name in rules() if "*" in name)
    assert rule_for(pattern.replace("*", "anything")) is rules()[pattern]
    assert rule_for("explain.methods.gradcam._target_").holds("a.Class")
    assert rule_for("trainer.something_of_lightnings") is None
