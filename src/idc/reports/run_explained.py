"""The sections of a run's page on attribution maps, their faithfulness, and learned features."""

import pandas as pd

from idc.reports.blocks import Block, Bullets, Fold, Table, Text
from idc.reports.figure_gallery import FigureGallery
from idc.reports.run_figures import attributions
from idc.reports.run_input import RunReport

TRUST = "trust"
SHOWN = {
    "model": "model",
    "method": "method",
    "verdict": "verdict",
    "drop_over_random": "gain over random maps",
    "drop_over_random_low": "from",
    "drop_over_random_high": "to",
    "randomisation_similarity": "similarity after shuffling weights",
    "pointing_game": "pointing game",
    "localisation": "localisation",
}
ON_PAGE = 3  # slides


def attribution_blocks(report: RunReport, gallery: FigureGallery) -> list[Block]:
    """Attribution maps, after the faithfulness of their methods."""
    names = attributions(gallery)
    if not names:
        return []
    blocks: list[Block] = [
        Text(
            "Maps of the pixels that changed the score, for some test patches, errors first. They "
            "show which regions the model used, not whether it used them for the right reason."
        )
    ]
    table = method_table(report.methods)
    if len(table):
        doubtful = (table["verdict"] != TRUST).tolist()
        blocks += _sentences(report, "methods")
        caption = (
            "Faithfulness of each method for this model. A map is faithful if the score falls "
            "faster when the marked pixels are covered than when random ones are (the gain), and "
            "if the map changes when the weights are shuffled."
        )
        blocks.append(Table(table, caption, doubtful, "doubtful", decimals=3))
        blocks += gallery.take("explain/methods")
        more = gallery.take("explain/measures", "explain/curves", "explain/weights_check")
        if more:
            blocks.append(Fold("Basis of the verdicts", more))
    return [*blocks, *gallery.take(*names), *gallery.take("explain/evidence")]


def method_table(methods: pd.DataFrame) -> pd.DataFrame:
    """The faithfulness of the methods for display, without empty columns."""
    columns = methods[[name for name in SHOWN if name in methods]]
    return columns.dropna(axis=1, how="all").rename(columns=SHOWN)


def slide_blocks(report: RunReport, gallery: FigureGallery) -> list[Block]:
    """Maps of the decisions on the slides."""
    names = [n for n in gallery.names("explain/slides/") if not n.endswith("_regions")]
    if not names:
        return _sentences(report, "slides")
    words = (
        "Each patient's patches at their positions on the slide: the tissue, the labels, the "
        "model's decisions, and where both differ."
    )
    blocks: list[Block] = [
        Text(words),
        *_sentences(report, "slides"),
        *gallery.take(*names[:ON_PAGE]),
    ]
    if more := gallery.take(*names[ON_PAGE:]):
        blocks.append(Fold("More slides", more))
    return blocks


def feature_blocks(report: RunReport, gallery: FigureGallery) -> list[Block]:
    """Features that units respond to, and the embedding of the patches."""
    shown = gallery.take("explain/embedding", "explain/exciting")
    blocks: list[Block] = [*_sentences(report, "features"), *shown] if shown else []
    maps = gallery.names("explain/feature_maps")
    if more := gallery.take("explain/filters", *maps):
        blocks.append(Fold("Inside the network: filters and feature maps", more))
    return blocks


def _sentences(report: RunReport, part: str) -> list[Block]:
    sentences = report.explained.get(part, ())
    return [Bullets(sentences)] if sentences else []
