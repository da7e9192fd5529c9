"""What is published about a data set: the facts that reports and the model card state."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from idc.errors import ConfigError, first_line


@dataclass(frozen=True)
class DataCard:
    """The facts about a data set.

    Attributes:
        title: Its name.
        about: What it is, in sentences.
        labels: How reliable its labels are, in a sentence.
        license: The licence of the images, as its publisher names it; "" if not stated.
        citations: What to cite.
        tags: For searching.
        stain: How the tissue was stained, such as ``H&E``; "" if it is no stained tissue. Ink,
            glass, grey patches and the balance of the stains are looked at in H&E only.
        drawn: Whether a program drew the images.
        images: The published number of images.
        per_class: That of each class, by name.
        patients: The published number of patients.
    """

    title: str
    about: str = "Labelled images."
    labels: str = "The labels are people's judgement; the model is judged by it, right or wrong."
    license: str = ""
    citations: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    stain: str = ""
    drawn: bool = False
    images: int | None = None
    per_class: Mapping[str, int] | None = None
    patients: int | None = None

    @property
    def is_h_and_e(self) -> bool:
        """Whether the images show tissue stained with haematoxylin and eosin."""
        return self.stain == "H&E"


def read_card(values: Mapping[str, Any] | None, title: str) -> DataCard:
    """The card of a set that is described in YAML.

    Args:
        values: ``data.card``; null leaves a key out.
        title: The name of a set that gives none.

    Raises:
        ConfigError: A key is unknown.
    """
    given: dict[str, Any] = {"title": title}
    for key, value in (values or {}).items():
        if value is not None:
            given[key] = tuple(value) if isinstance(value, list) else value
    try:
        return DataCard(**given)
    except TypeError as error:
        keys = ", ".join(DataCard.__dataclass_fields__)
        raise ConfigError(f"data.card: {first_line(error)}. Its keys are {keys}.") from error
