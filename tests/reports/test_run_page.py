"""The page of a run: results, warnings at the top, and whatever figures there are."""

import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pandas as pd
import pytest
from run_cases import EVIL, SIZE, config, make_run, save_png

from idc.errors import DataError
from idc.reports.picture import REST_LIMIT
from idc.reports.run_facts import run_sentences
from idc.reports.run_input import RunReport
from idc.reports.run_page import write_run_page

FEW_METRICS = {"test/recall": 0.96, "test/specificity": 0.88}


class Reader(HTMLParser):
    """The words of a page in reading order, and its images' words."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.pieces: list[str] = []
        self.images: list[dict[str, str | None]] = []
        self.tags: list[str] = []
        self.raw = path.read_text("utf-8")
        self.feed(self.raw)
        self.words = re.sub(r"\s+", " ", " ".join(self.pieces))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag == "img":
            self.images.append(dict(attrs))

    def handle_data(self, data: str) -> None:
        self.pieces.append(data)


def lead(report: RunReport) -> str:
    return run_sentences(report).text("lead")


def warnings(report: RunReport) -> list[str]:
    return run_sentences(report).list("warnings")


def page(report: RunReport, folder: Path) -> Reader:
    path = write_run_page(report, folder / "evaluation" / "report.html")
    assert path == folder / "evaluation" / "report.html"
    return Reader(path)


def test_a_good_run_is_not_warned_of(tmp_path: Path) -> None:
    report = make_run(tmp_path)
    assert warnings(report) == []
    assert "Read this first" not in page(report, tmp_path).words


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"leaky": True, "leaks": ("3 of 12 patients cross.",)}, "The results are too optimistic"),
        ({"leaks": ("5 patches are duplicates.",)}, "5 patches are duplicates."),
        ({"patients": 9}, "Only 9 patients to test on."),
        ({"drawn": True}, "The patches are synthetic"),
        ({"metrics": FEW_METRICS | {"test/recall": 0.9}}, "to detect 95 of 100 IDC patches"),
        (
            {
                "config": config(threshold={"rule": "precision>=0.8"}),
                "metrics": {"test/precision": 0.7},
            },
            "so that 80 of 100 patches called IDC are labelled so, which was reached on the "
            "validation patients; on the test patients 70 are",
        ),
        (
            {"metrics": {"test/auroc": 0.4, "test/auroc_ci_low": 0.3, "test/auroc_ci_high": 0.49}},
            "Worse than guessing",
        ),
        (
            {"metrics": {"test/auroc": 0.6, "test/auroc_ci_low": 0.45, "test/auroc_ci_high": 0.7}},
            "Guessing is not ruled out",
        ),
        (
            {"baselines": pd.DataFrame({"baseline": ["colour statistics"], "auroc": [0.92]})},
            "cannot be told apart from a simple baseline: the AUROC of colour statistics, "
            "without a network, is 0.920, within the interval of the model's 0.950 "
            "(0.910 to 0.970)",
        ),
        (
            {
                "baselines": pd.DataFrame({"baseline": ["colour statistics"], "auroc": [0.95]}),
                "metrics": {"test/auroc": 0.9},
            },
            "no better than a simple baseline: the AUROC of colour statistics",
        ),
    ],
)
def test_what_must_be_read_first_stands_first(
    tmp_path: Path, changes: dict[str, object], words: str
) -> None:
    report = make_run(tmp_path, **changes)
    shown = page(report, tmp_path)
    assert words in shown.words
    assert 'class="notice"' in shown.raw
    assert shown.words.index("Read this first") < shown.words.index(lead(report)[:40])


def test_a_lacking_class_is_told(tmp_path: Path) -> None:
    report = make_run(tmp_path)
    report = replace(report, predictions=report.predictions.query("label == 0"))
    assert any("has no patch of IDC" in words for words in warnings(report))
    assert "Labelled IDC" not in page(report, tmp_path).words


def test_the_numbers_stand_with_their_intervals(tmp_path: Path) -> None:
    words = page(make_run(tmp_path), tmp_path).words
    assert "recall (sensitivity) 0.960 0.851 to 0.980" in words
    assert "F1 0.870 - 0.810" in words
    assert "average precision" not in words.split("Test metrics")[-1].split("Glossary")[0]
    assert "0.413 is the highest threshold whose validation recall is at least 0.95." in words
    assert "differs by 3.1 percentage points" in words
    assert "before calibration, by 8.7" in words
    assert "could decide 62 of 100 patches with a recall of at least 99 in 100 IDC" in words
    assert "0.123456" not in words  # it is in the table of patients


def test_patients_and_slices_that_do_worse_are_named(tmp_path: Path) -> None:
    words = page(make_run(tmp_path), tmp_path).words
    assert "Lowest recall: patient p11, in whom 61 of 100 IDC patches were detected." in words
    assert words.index("p11 50 25 5 2 0.610 -") < words.index("p0 50 25 5 2 0.990 -")
    assert "Slices with a higher error rate than the rest: darkness: dark." in words
    assert "darkness dark 90 2 0.700 (0.60 to 0.80) 0.200 worse" in words
    assert "finding near white 14 1 - 0.400" in words


def test_no_slice_that_stands_out_is_told_too(tmp_path: Path) -> None:
    report = make_run(tmp_path)
    report = replace(report, slices=report.slices.assign(worse=False))
    assert "No slice of the test split is worse" in page(report, tmp_path).words


def test_errors_are_shown_enlarged_in_their_surroundings(tmp_path: Path) -> None:
    report = make_run(tmp_path)
    shown = page(report, tmp_path)
    assert "Missed IDC: 12 of" in shown.words
    assert "False alarms: no IDC called IDC: 12 of" in shown.words
    assert (
        "score 0.100 (threshold 0.413). Findings of the data check: near white, glass."
        in shown.words
    )
    large = [i for i in shown.images if str(i["alt"]).endswith("enlarged")]
    around = [i for i in shown.images if str(i["alt"]).endswith("surroundings")]
    assert len(large) == 24
    assert len(around) > 12
    assert all(i["width"] == str(400 // SIZE * SIZE) for i in large)
    assert all("pixels" in str(i["class"]) for i in large + around)


def test_places_that_say_nothing_give_no_surroundings(tmp_path: Path) -> None:
    report = make_run(tmp_path)
    report = replace(report, predictions=report.predictions.assign(x=0, y=0))
    shown = page(report, tmp_path)
    assert not [i for i in shown.images if str(i["alt"]).endswith("surroundings")]


def without_errors(report: RunReport) -> RunReport:
    frame = report.predictions
    return replace(report, predictions=frame.assign(predicted=frame["label"]))


def test_figures_that_are_there_are_shown_once_each(tmp_path: Path) -> None:
    listed = ("evaluation/roc", "training/learning_curves", "data/class_balance", "explain/FN")
    for name in (*listed, "evaluation/of_tomorrow", "explain/slide_9001"):
        save_png(tmp_path / f"{name}.png")
    (tmp_path / "evaluation" / "broken.png").write_bytes(b"no image")
    shown = page(without_errors(make_run(tmp_path)), tmp_path)
    assert len(shown.images) == 6
    assert all(i["alt"] for i in shown.images)
    assert shown.raw.count("<figcaption>") == 6
    after = shown.words.rpartition("More figures")[2]
    assert "of tomorrow" in after
    assert "slide 9001" in after
    assert "Attribution maps" in shown.words


def test_more_figures_than_a_page_can_bear_are_named(tmp_path: Path) -> None:
    for i in range(9):
        save_png(tmp_path / "evaluation" / f"noise_{i}.png", noisy=True)
    shown = page(without_errors(make_run(tmp_path)), tmp_path)
    assert 0 < len(shown.images) < 9
    assert "Too large for this page, but saved next to it: " in shown.words
    assert "evaluation/noise_8.png" in shown.words
    assert len(shown.raw) < 1.4 * REST_LIMIT + 200_000


@pytest.mark.parametrize("kind", ["train", "evaluate", "ensemble"])
@pytest.mark.parametrize("classes", [2, 3])
def test_a_run_of_which_little_is_known(tmp_path: Path, kind: str, classes: int) -> None:
    full = make_run(tmp_path, classes=classes)
    bare = RunReport(
        "bare",
        kind,
        {},
        full.class_names,
        SIZE,
        full.counts.head(0),
        {},
        None,
        full.predictions.head(0),
        full.patches,
        tmp_path / "nowhere",
    )
    words = page(bare, tmp_path).words
    assert "bare" in words
    assert "nan" not in words.lower().split()


@pytest.mark.parametrize("classes", [2, 3])
def test_names_never_become_markup(tmp_path: Path, classes: int) -> None:
    save_png(tmp_path / "explain" / "FN.png")
    report = make_run(tmp_path, classes=classes)
    frame = report.predictions.assign(patient=EVIL, path=EVIL, checks=EVIL)
    report = replace(
        report,
        name=EVIL,
        class_names=(EVIL, *report.class_names[1:]),
        config=config(choices={"backbone": EVIL, "loss": EVIL}),
        predictions=frame,
        notes=(EVIL,),
        leaks=(EVIL,),
        per_patient=report.per_patient.assign(patient=EVIL),
        slices=report.slices.assign(value=EVIL),
        baselines=report.baselines.assign(baseline=EVIL),
        methods=METHODS.assign(method=EVIL, verdict=EVIL),
        explained={part: [EVIL] for part in ("methods", "slides", "features")},
        versions={EVIL: EVIL},
        test_data_words=EVIL,
    )
    shown = page(report, tmp_path)
    assert "script" not in shown.tags
    assert shown.words.count("{{ 7 * 6 }}") > 30
    # No quotation mark ends an attribute.
    assert all(set(image) == {"class", "src", "width", "height", "alt"} for image in shown.images)


def test_a_page_that_cannot_be_written_says_which(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match=r"report\.html"):
        write_run_page(make_run(tmp_path), tmp_path / "file" / "report.html")


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
CONCLUSIONS = {
    "methods": ["For this model, trust deeplift first."],
    "slides": ["Regions labelled IDC on the test slides: 6, of which 1 missed as a whole."],
    "features": ["In the features, 61% of the nearest patches share the label."],
}


def test_methods_are_judged_before_their_maps_are_shown(tmp_path: Path) -> None:
    for name in ("FN", "TP", "methods", "weights_check", "slides/9001", "slides/9001_regions",
                 "embedding", "filters", "feature_maps_1"):  # fmt: skip
        save_png(tmp_path / "explain" / f"{name}.png")
    run = make_run(tmp_path, methods=METHODS, explained=CONCLUSIONS)
    html = page(without_errors(run), tmp_path)
    words = html.words
    slide, looked, learnt = (
        words.rindex(title)  # the first is that of the contents
        for title in ("Where on the slide", "Attribution maps", "Learned features")
    )
    judged = words.index("trust deeplift first")
    assert slide < looked < judged < words.index("Missed IDC: evidence for", looked) < learnt
    assert "doubtful" in words[looked:learnt]
    assert re.search(r"maps to believe\s+deeplift ", words)
    assert "0.412" in words
    assert "0.930" in words
    # Nobody knew where the signal was: no column for it.
    assert "pointing game" not in words[looked:learnt]
    assert slide < words.index("1 missed as a whole")
    assert learnt < words.index("61% of the nearest")
    assert len(html.images) == 9


def test_maps_without_measured_faithfulness_are_shown(tmp_path: Path) -> None:
    save_png(tmp_path / "explain" / "FP.png")
    words = page(make_run(tmp_path), tmp_path).words
    assert "Attribution maps" in words
    assert "gain over random maps" not in words
    assert "On the slide" not in words


def test_all_after_the_errors_is_collapsed(tmp_path: Path) -> None:
    """A reader sees result, slide and errors; the rest opens from a summary."""
    for name in ("explain/slides/9001", "explain/slides/9002", "evaluation/roc", "explain/FN"):
        save_png(tmp_path / f"{name}.png")
    raw = page(make_run(tmp_path), tmp_path).raw
    body = raw[raw.index("<main>") :]
    sections = re.findall(r'<section id="s(\d)">', body)
    assert sections == ["1", "2", "3"]
    after = body[body.rindex("</section>") :]
    # What is left stands inside of <details>.
    outside = re.sub(r"<details.*</details>", "", after, flags=re.S)
    assert not re.search(r"<(p|table|figure|ul)\b", outside)
    first, second = (body.index(f'alt="Patient {name}: ') for name in ("9001", "9002"))
    assert "<details" not in body[body.index('id="s2"') : first]
    assert "1 more slide" in body[first:second]
