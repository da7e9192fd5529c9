"""Templates escape for their format, and give sentences line by line."""

import jinja2
import pytest

from idc.reports.templating import HTML, MARKDOWN, PLAIN, Sentences, notes

EVIL = "<b>*x*</b>\n| y"


@pytest.mark.parametrize(
    ("environment", "text"),
    [
        (HTML, "&lt;b&gt;*x*&lt;/b&gt;\n| y"),
        (MARKDOWN, r"\<b\>\*x\*\</b\> \| y"),
        (PLAIN, "<b>*x*</b> | y"),
    ],
)
def test_values_are_escaped_for_the_format(environment: jinja2.Environment, text: str) -> None:
    assert environment.from_string("{{ value }}").render(value=EVIL) == text


def test_a_value_that_is_missing_is_an_error() -> None:
    with pytest.raises(jinja2.UndefinedError):
        PLAIN.from_string("{{ value }}").render()


def test_numbers_have_filters() -> None:
    text = (
        "{{ 0.956|of_hundred }} {{ 12345|thousands }} {{ (0.1, 0.2)|interval }} {{ 0.95|per_cent }}"
    )
    assert PLAIN.from_string(text).render() == "96 12,345 0.100 to 0.200 95 %"
    listed = PLAIN.from_string("{{ ['a', 'b', 'c']|listing }} {{ 1|count('patch', 'patches') }}")
    assert listed.render() == "a, b and c 1 patch"


def test_macros_give_a_text_or_a_list(monkeypatch: pytest.MonkeyPatch) -> None:
    source = (
        "{% macro lead() %}\n  One\n  {{ name }}.\n{% endmacro %}"
        "{% macro items(more) %}\n- {{ name }}\n"
        "{% if more %}\n- {{ more }}:\n  next line\n{% endif %}\n"
        "{% endmacro %}"
    )
    monkeypatch.setattr(
        PLAIN, "loader", jinja2.DictLoader({"a.j2": source, "b.j2": "x\n\n {{ n }}\n"})
    )
    sentences = Sentences("a.j2", name="<p>")
    assert sentences.text("lead") == "One <p>."
    assert sentences.list("items", "") == ["<p>"]
    assert sentences.list("items", "more") == ["<p>", "more: next line"]
    assert notes("b.j2", n=3) == ["x", " 3"]
