"""Values that Hydra refuses unless they are quoted."""

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser

from idc.launch.arguments import quoted


@pytest.mark.parametrize(
    "value",
    [
        "patient=8863",
        "patient=8863,8864",
        "files=/a/b c/list.txt",
        "files=8863/0/*_class0.png,it's.png",
        "errors",
        "files=a\\b=c",
    ],
)
def test_a_selection_reaches_hydra_as_it_was_typed(value: str) -> None:
    arguments = quoted(["run=abc", f"explain.select={value}", "explain=[gradcam,saliency]"])
    parsed = OverridesParser.create().parse_overrides(arguments)
    assert parsed[1].value() == value
    assert not parsed[1].is_sweep_override()
    assert arguments[0] == "run=abc"


def test_what_is_quoted_already_stays() -> None:
    argument = "explain.select='patient=1,2'"
    assert quoted([argument]) == [argument]
