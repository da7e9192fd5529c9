"""A page contains its data, loads nothing from outside, and lets no name become markup."""

from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from run_cases import EVIL, save_png

from idc.errors import DataError
from idc.reports.page import write_text
from idc.reports.picture import Figures, encode_picture
from idc.reports.templating import HTML

NEVER_CLOSED = {"meta", "img", "br"}
PARTS = (
    "bullets, card, figure, fold, folded, framed, hundred, notice, other_figures, section, table"
)


class Reader(HTMLParser):
    """The words and tags of a page; fails on elements that are not closed in order."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words = ""
        self.feed(page)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in NEVER_CLOSED:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words += data

    def attributes(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def render(main: str, figures: Figures | None = None, **data: object) -> Reader:
    template = HTML.from_string(
        '{% extends "page.html.j2" %}{% from "parts.html.j2" import '
        + PARTS
        + " with context %}{% block main %}"
        + main
        + "{% endblock %}"
    )
    values = {"title": "A page", "facts": {}, "figures": figures, "contents": [], **data}
    return Reader(template.render(**values))


def picture() -> object:
    return encode_picture(np.full((6, 9, 3), 200, np.uint8))


def test_the_contents_lead_to_every_section_with_content(tmp_path: Path) -> None:
    seen = render(
        '{% call section("one") %}1{% endcall %}{% call section("absent") %} {% endcall %}'
        '{% call folded("two", "why") %}{% call fold("inner") %}2{% endcall %}{% endcall %}'
        '{% call fold("absent") %}{% endcall %}{% call folded("three", "how") %}{% endcall %}'
    )
    targets = [a["href"] for a in seen.attributes("a")]
    anchors = [d["id"] for _, d in seen.tags if "id" in d]
    assert targets == [f"#{anchor}" for anchor in anchors] == ["#s1", "#s2", "#s3"]
    assert "absent" not in seen.words
    assert len(seen.attributes("details")) == 3


def test_names_never_become_markup(tmp_path: Path) -> None:
    save_png(tmp_path / "<b>x.png")
    seen = render(
        """
        {% call section(evil) %}{{ notice([evil]) }}{{ bullets([evil]) }}
        {{ table(frame, evil, [True], evil) }}{{ framed(image, evil, evil) }}
        {% call fold(evil) %}{{ hundred(evil, 0.5, evil, evil) }}{% endcall %}
        {% call folded(evil, evil) %}{% call card(image, evil, evil, evil) %}{{ evil }}{% endcall %}
        {% endcall %}{{ other_figures() }}{% endcall %}
        """,
        Figures(tmp_path, ""),
        evil=EVIL,
        title=EVIL,
        facts={EVIL: EVIL},
        frame=pd.DataFrame({EVIL: [EVIL]}),
        image=picture(),
    )
    assert not seen.attributes("script")
    assert seen.words.count(EVIL) == 23
    assert {i["alt"] for i in seen.attributes("img")} == {EVIL, "<b>x"}
    assert seen.attributes("svg")[0]["aria-label"] == f"{EVIL}: 50 {EVIL}, 50 {EVIL}"


def test_nothing_is_loaded_from_outside(tmp_path: Path) -> None:
    save_png(tmp_path / "a.png")
    seen = render('{{ figure("a", "what", "how") }}{{ figure("b", "c") }}', Figures(tmp_path, ""))
    loaded = [v for _, a in seen.tags for k, v in a.items() if k in ("src", "href")]
    assert [str(v).split(",")[0] for v in loaded] == ["data:image/png;base64"]
    assert "@import" not in seen.words
    assert "url(" not in seen.words
    assert not seen.attributes("link")


def test_numbers_are_aligned_and_rows_marked_by_a_word() -> None:
    frame = pd.DataFrame({"name": ["n1", "n2"], "count": [1234567, 2], "share": [0.5, np.nan]})
    seen = render('{{ table(f, marked=m, mark="differs") }}', f=frame, m=[False, True])
    assert "1,234,567" in seen.words
    assert "0.500" in seen.words
    assert seen.words.count("differs") == 1
    assert [r.get("class") for r in seen.attributes("tr")] == [None, None, "marked"]
    assert [c.get("class") for c in seen.attributes("td")][:4] == [None, "n", "n", None]


def test_an_empty_table_keeps_its_head() -> None:
    seen = render("{{ table(f) }}", f=pd.DataFrame({"only": []}))
    assert "only" in seen.words
    assert not seen.attributes("td")


@pytest.mark.parametrize(
    ("share", "filled"), [(0, 0), (0.001, 1), (0.935, 94), (0.999, 99), (1, 100)]
)
def test_there_are_as_many_squares_as_the_share_says(share: float, filled: int) -> None:
    seen = render('{{ hundred("Of 100 patches", s, "detected", "missed") }}', s=share)
    assert len(seen.attributes("rect")) == filled
    assert len(seen.attributes("path")) == 100 - filled
    label = f"Of 100 patches: {filled} detected, {100 - filled} missed"
    assert seen.attributes("svg")[0]["aria-label"] == label


def test_a_page_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match=r"page\.html: the report cannot be written"):
        write_text(tmp_path / "file" / "page.html", "")
