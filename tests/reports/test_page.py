"""A page holds what it was given, asks for nothing from outside, and lets no name become markup."""

import base64
import re
from html.parser import HTMLParser
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest

from idc.errors import DataError
from idc.reports.blocks import Album, AlbumItem, Block, Bullets, Fold, Table, Text
from idc.reports.filenames import safe_names
from idc.reports.formats import cell_text
from idc.reports.page import Page, PageSection, write_page
from idc.reports.picture import WEBP_LIMIT, Picture

EVIL = """<script>alert("x")</script> & 'co' {{ 7 * 6 }}"""
NEVER_CLOSED = {"meta", "img", "br"}


class Reader(HTMLParser):
    """What a browser would see; fails on elements that are not closed in order."""

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


def picture(alt: str = "a figure", caption: str = "") -> Picture:
    return Picture.from_pixels(np.full((6, 9, 3), 200, np.uint8), alt, caption)


def render(tmp_path: Path, *blocks: Block, **parts: object) -> Reader:
    page = Page(
        **{
            "title": "A page",
            "lead": "The lead.",
            "facts": {"fact": "value"},
            "sections": [PageSection("One", blocks)],
            **parts,
        }
    )
    return Reader(write_page(page, tmp_path / "new" / "page.html").read_text("utf-8"))


def test_every_block_is_shown(tmp_path: Path) -> None:
    frame = pd.DataFrame({"name": ["n1"], "count": [1234567]})
    seen = render(
        tmp_path,
        Text("a paragraph"),
        Bullets(["first", "second"]),
        Table(frame, "what it says"),
        picture("alt words", "under it"),
        Fold("open me", [Text("inside"), Fold("deeper", [Text("innermost")])]),
        Album([AlbumItem("P1", "12 patches", picture(), picture("large", "its map"))]),
        note="at the foot",
    )
    for words in (
        *("A page", "The lead.", "fact", "value", "One", "a paragraph", "first", "second", "n1"),
        *("1,234,567", "what it says", "under it", "open me", "inside", "deeper", "innermost"),
        *("P1", "12 patches", "its map", "at the foot"),
    ):
        assert words in seen.words
    assert {i["alt"] for i in seen.attributes("img")} == {"alt words", "a figure", "large"}


def test_the_contents_lead_to_every_section(tmp_path: Path) -> None:
    seen = render(tmp_path, sections=[PageSection(f"part {i}", []) for i in range(3)])
    targets = [a["href"] for a in seen.attributes("a")]
    assert targets == [f"#{s['id']}" for s in seen.attributes("section")]
    assert len(set(targets)) == 3


def test_names_never_become_markup(tmp_path: Path) -> None:
    frame = pd.DataFrame({EVIL: [EVIL]})
    seen = render(
        tmp_path,
        Text(EVIL),
        Bullets([EVIL]),
        Table(frame, EVIL, [True], EVIL),
        picture(EVIL, EVIL),
        Fold(EVIL, []),
        Album([AlbumItem(EVIL, EVIL, picture(EVIL), picture(EVIL, EVIL))]),
        title=EVIL,
        lead=EVIL,
        facts={EVIL: EVIL},
        note=EVIL,
    )
    assert not seen.attributes("script")
    assert seen.words.count(EVIL) == 17
    assert {i["alt"] for i in seen.attributes("img")} == {EVIL}


def test_nothing_is_asked_for_from_outside(tmp_path: Path) -> None:
    seen = render(tmp_path, picture(), Album([AlbumItem("P", "f", picture(), picture())]))
    loaded = [v for _, a in seen.tags for k, v in a.items() if k in ("src", "href")]
    assert all(str(v).startswith(("data:image/", "#")) for v in loaded)
    style = (tmp_path / "new" / "page.html").read_text()
    assert "@import" not in style
    assert "url(" not in style
    assert not seen.attributes("link")


def test_an_image_survives_without_loss(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (20, 30, 3), dtype=np.uint8)
    cv2.imwrite(str(tmp_path / "a.png"), pixels[:, :, ::-1])
    for image in (Picture.from_pixels(pixels, "a"), Picture.from_file(tmp_path / "a.png", "a")):
        head, data = image.uri.split(",")
        assert re.fullmatch(r"data:image/(webp|png);base64", head)
        decoded = cv2.imdecode(np.frombuffer(base64.b64decode(data), np.uint8), 1)[:, :, ::-1]
        assert np.array_equal(decoded, pixels)
        assert (image.width, image.height) == (30, 20)


def test_loss_makes_a_photograph_smaller() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (90, 90, 3), dtype=np.uint8)
    sizes = [len(Picture.from_pixels(pixels, "a", quality=q).data) for q in (40, 101)]
    assert sizes[0] < sizes[1] / 2


def test_an_image_too_long_for_webp_is_still_an_image() -> None:
    image = Picture.from_pixels(np.zeros((WEBP_LIMIT + 1, 2, 3), np.uint8), "a")
    assert image.mime == "image/png"
    assert image.data


def test_a_file_that_is_no_image_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"no image at all")
    with pytest.raises(ValueError, match="is not an image"):
        Picture.from_file(tmp_path / "a.png", "a")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1234567, "1,234,567"),
        (np.int64(12), "12"),
        (0.123456, "0.123"),
        (np.float32(0.5), "0.5"),
        (123456.7, "123,457"),
        (float("nan"), "-"),
        (np.float32("nan"), "-"),
        (None, "-"),
        (True, "yes"),
        ("as it is", "as it is"),
    ],
)
def test_cells(value: object, text: str) -> None:
    assert cell_text(value) == text


def test_rows_are_marked_by_a_word(tmp_path: Path) -> None:
    frame = pd.DataFrame({"a": [1, 2, 3]})
    seen = render(tmp_path, Table(frame, marked=[False, True, False], mark="differs"))
    assert seen.words.count("differs") == 1
    assert [r.get("class") for r in seen.attributes("tr")] == [None, None, "marked", None]
    with pytest.raises(ValueError, match="2 marks for 3 rows"):
        Table(frame, marked=[True, False])


def test_an_empty_table_keeps_its_head(tmp_path: Path) -> None:
    seen = render(tmp_path, Table(pd.DataFrame({"only": []})))
    assert "only" in seen.words
    assert not seen.attributes("td")


def test_a_page_that_cannot_be_written_says_which(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match=r"page\.html: the report cannot be written"):
        write_page(Page("t", "", {}, []), tmp_path / "file" / "page.html")


def test_file_names_are_safe_and_differ() -> None:
    names = ["../../etc/passwd", "a/b", "a_b", "A_B", "", "..", "8863", "ü", "x" * 300, "a_b-2"]
    stems = safe_names(names)
    assert list(stems) == names
    assert stems["8863"] == "8863"
    assert all(re.fullmatch(r"[A-Za-z0-9_-][A-Za-z0-9._-]*", s) for s in stems.values())
    assert len({s.lower() for s in stems.values()}) == len(names)
    assert max(map(len, stems.values())) <= 90
