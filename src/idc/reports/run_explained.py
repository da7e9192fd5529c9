"""The parts of a run's page that show what the network looked at, and how far to trust that."""

import pandas as pd

from idc.reports.blocks import Block, Bullets, Fold, Table, Text
from idc.reports.figure_gallery import Gallery
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
    "randomisation_similarity": "likeness once weights are shuffled",
    "pointing_game": "pointing game",
    "localisation": "localisation",
}
ON_PAGE = 3  # slides


def attributions_blocks(report: RunReport, gallery: Gallery) -> list[Block]:
    """Maps of what moved the score, after what there is to say of the methods that made them."""
    names = attributions(gallery)
    if not names:
        return []
    blocks: list[Block] = [
        Text(
            "Maps of what moved the score in some of the test patches, errors first. They show "
            "where the model looked, not that it looked for the right reason."
        )
    ]
    table = method_table(report.methods)
    if len(table):
        doubtful = (table["verdict"] != TRUST).tolist()
        blocks += _said(report, "methods")
        caption = (
            "How far each method can be trusted for this model. A map is worth something if the "
            "score falls faster when what it marks is covered than when as much is covered by "
            "chance (the gain), and if it changes when the weights are shuffled."
        )
        blocks.append(Table(table, caption, doubtful, "doubtful", decimals=3))
        blocks += gallery.take("explain/methods")
        more = gallery.take("explain/curves", "explain/weights_check")
        if more:
            blocks.append(Fold("What the verdicts rest on", more))
    return [*blocks, *gallery.take(*names), *gallery.take("explain/evidence")]


def method_table(methods: pd.DataFrame) -> pd.DataFrame:
    """The faithfulness of the methods with headings for readers; columns without values go."""
    there = methods[[name for name in SHOWN if name in methods]]
    return there.dropna(axis=1, how="all").rename(columns=SHOWN)


def slides_blocks(report: RunReport, gallery: Gallery) -> list[Block]:
    """The decisions in their places on the slides."""
    names = [n for n in gallery.names("explain/slides/") if not n.endswith("_regions")]
    if not names:
        return []
    words = (
        "Each patient's patches in their places on the slide: the tissue, the labels, what the "
        "model says, and where both differ."
    )
    blocks: list[Block] = [Text(words), *_said(report, "slides"), *gallery.take(*names[:ON_PAGE])]
    if more := gallery.take(*names[ON_PAGE:]):
        blocks.append(Fold("More slides", more))
    if votes := gallery.take("explain/smoothing"):
        said = _said(report, "smoothing")
        blocks.append(Fold("If neighbouring patches had a say (not applied)", [*said, *votes]))
    return blocks


def learnt_blocks(report: RunReport, gallery: Gallery) -> list[Block]:
    """What its units respond to, and how it orders the patches."""
    shown = gallery.take("explain/embedding", "explain/exciting")
    blocks: list[Block] = [*_said(report, "features"), *shown] if shown else []
    maps = gallery.names("explain/feature_maps")
    if more := gallery.take("explain/filters", *maps):
        blocks.append(Fold("Inside the network: filters and feature maps", more))
    return blocks


def _said(report: RunReport, part: str) -> list[Block]:
    sentences = report.explained.get(part, ())
    return [Bullets(sentences)] if sentences else []
