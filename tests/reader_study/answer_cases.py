"""An answer of a reader."""

from idc.reader_study.answer import Answer

ANN = Answer(
    reader="Ann",
    case="9001/1/a.png",
    verdict=1,
    map_marks="",
    method="gradcam",
    remark="",
    seen_model=False,
    seconds=3.5,
    time="2026-01-02T03:04:05+00:00",
    mode="blinded",
)
