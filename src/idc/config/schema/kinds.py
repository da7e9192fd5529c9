"""Ranges that options share, as annotations."""

from typing import Annotated, Any, Literal

from idc.config.rules import NAME, SEED_LIMIT, either, list_of, number, text, whole

Seed = Annotated[int, whole(0, SEED_LIMIT)]
AtLeast0 = Annotated[int, whole(0)]
AtLeast1 = Annotated[int, whole(1)]
Positive = Annotated[float, number(lambda v: v > 0, "a number above 0")]
NotNegative = Annotated[float, number(lambda v: v >= 0, "a number of 0 or more")]
Share = Annotated[float, number(lambda v: 0 <= v < 1, "a number from 0 up to, not including, 1")]
OpenShare = Annotated[float, number(lambda v: 0 < v < 1, "a number between 0 and 1")]
Part = Annotated[float, number(lambda v: 0 < v <= 1, "a number above 0, 1 at most")]
Probability = Annotated[float, number(lambda v: 0 <= v <= 1, "a number from 0 to 1")]
Batches = Annotated[
    float,
    either(whole(1), number(lambda v: isinstance(v, float) and 0 < v <= 1, "a share in (0, 1]")),
]
Name = Annotated[str, NAME]
Device = Annotated[str, text(r"auto|cpu|mps|cuda(:\d+)?", "auto or cpu or cuda or cuda:1")]
Fill = Literal["white", "black", "mean"]
Names = Annotated[list[Any], list_of(NAME, least=1)]
