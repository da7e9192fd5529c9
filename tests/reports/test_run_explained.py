"""A run's page says which maps to trust before it shows any, and what they showed on the slide."""

from pathlib import Path

import pandas as pd
from run_cases import make_run, save_png
from test_run_page import page

METHODS = pd.DataFrame(
    {
        "method": ["deeplift", "edges"],
        "verdict": ["trust", "fails the weights check"],
        "drop_over_random": [0.412, 0.05],
        "drop_over_random_low": [0.3, -0.01],
        "drop_over_random_high": [0.5, 0.11],
        "randomisation_similarity": [0.08, 0.93],
        "pointing_game": [float("nan")] * 2,
        "infidelity": [0.1, 0.2],
    }
)
SAID = {
    "methods": ["For this model, trust deeplift first."],
    "slides": ["Regions labelled IDC on the test slides: 6, of which 1 missed as a whole."],
    "features": ["In the features, 61% of the nearest patches share the label."],
}


def test_methods_are_judged_before_their_maps_are_shown(tmp_path: Path) -> None:
    for name in ("FN", "TP", "methods", "weights_check", "slides/9001", "slides/9001_regions",
                 "embedding", "filters", "feature_maps_1"):  # fmt: skip
        save_png(tmp_path / "explain" / f"{name}.png")
    run = make_run(tmp_path, patches=None, methods=METHODS, explained=SAID)
    html = page(run, tmp_path)
    words = html.words
    looked, slide, learnt = (
        words.rindex(title)  # the first is that of the contents
        for title in ("Attribution maps", "Slide maps", "Learned features")
    )
    judged = words.index("trust deeplift first")
    assert looked < judged < words.index("Missed IDC: evidence for", looked) < slide < learnt
    assert words.index("doubtful", looked) < slide
    assert "0.412" in words
    assert "0.930" in words
    # Nobody knew where the signal was: no column for it.
    assert "pointing game" not in words[looked:slide]
    assert slide < words.index("1 missed as a whole")
    assert learnt < words.index("61% of the nearest")
    assert len(html.images) == 9


def test_without_faithfulness_the_maps_still_stand(tmp_path: Path) -> None:
    save_png(tmp_path / "explain" / "FP.png")
    words = page(make_run(tmp_path, patches=None), tmp_path).words
    assert "Attribution maps" in words
    assert "gain over random maps" not in words
    assert "On the slide" not in words
