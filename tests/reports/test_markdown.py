"""Markdown keeps its shape whatever is written in it."""

import re

import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_tables import tables

from idc.reports.markdown import Markdown, code, escape
from idc.reports.markdown import markdown_table as table


@settings(max_examples=60, deadline=None)
@given(st.lists(st.text(max_size=12), min_size=1, max_size=3))
def test_any_text_keeps_a_table_in_shape(cells: list[str]) -> None:
    text = table(pd.DataFrame([cells], columns=[f"c{i}" for i in range(len(cells))]))
    assert len(text.split("\n")) == 3
    (rows,) = tables(text)
    assert {len(row) for row in rows} == {len(cells)}


@settings(max_examples=60, deadline=None)
@given(st.text())
def test_code_ends_where_it_should(text: str) -> None:
    result = code(text)
    fence = re.match("`+", result)
    assert fence is not None
    inner = result[len(fence[0]) : -len(fence[0])]
    assert fence[0] not in re.findall("`+", inner)
    assert "\n" not in result


def test_markdown_is_escaped_once() -> None:
    assert escape("a_b *c* | <d> & &lt; _e_") == r"a_b \*c\* \| \<d\> & &amp;lt; \_e\_"
    assert escape(Markdown("**x**")) == "**x**"
    assert table(pd.DataFrame({"a": []})) == ""
