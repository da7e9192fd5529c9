"""The reference of the configuration says what the schema and conf/ say."""

from pathlib import Path

from idc.config.reference import choices_on, meaning, page, sections, shown_value
from idc.config.schema.apps import APPS

DOCS = Path(__file__).parents[2] / "docs"


def test_the_page_is_current() -> None:
    assert page() == (DOCS / "configuration.md").read_text(encoding="utf-8"), "run: make docs"


def test_every_option_has_an_explanation() -> None:
    for app in APPS:
        for section in sections(app):
            assert section.title or not section.name
            for one in section.options:
                assert one.help, f"{app}: {one.name}"


def test_the_choices_of_a_command_line() -> None:
    chosen = choices_on(["backbone=vgg16", "data=nowhere", "seed=3"], "train")
    assert chosen["backbone"] == "vgg16"
    assert chosen["data"] == "synthetic"


def test_values_are_shown_as_they_are_typed() -> None:
    shown = {None: "null", True: "true", 0.5: "0.5", "auto": "auto", "???": ""}
    assert {value: shown_value(value) for value in shown} == shown
    assert shown_value([1, "all"]) == "[1,all]"
    assert shown_value("${idc.when:${explain.parts},24,0}") == "24"
    assert shown_value("${oc.env:IDC_ROOT,.}") == "."


def test_the_meaning_of_a_choice_is_the_comment_of_its_file() -> None:
    assert "CPU" in meaning("trainer", "cpu")
    assert not meaning("launcher", "slurm").startswith("@package")
