"""The malaria cells of the NIH (Rajaraman et al. 2018): thin blood smears, one cell per image.

Layout: ``cell_images/{Parasitized,Uninfected}/C<slide>P<patient>..._cell_<n>.png``. Kaggle's zip
holds a second copy in ``cell_images/cell_images``; only the outer one is read.
"""

import re

import pandas as pd

from idc.data.audit.findings import BAD_NAME
from idc.data.sources.base import DataCard, Source
from idc.data.sources.tree import FileTree, find_folder

FOLDER = "cell_images"
# The letter of a repeated slide, as in C37BP2, is left out: its patient is the same.
PATIENT = re.compile(r"C(?P<slide>\d+)[A-Z]?(?:P(?P<patient>\d+))?(?![0-9])")


class MalariaSource(Source):
    """Cells by infection; a patient is a slide and a patient's number, or else the slide."""

    name = "malaria"
    classes = ("Uninfected", "Parasitized")
    positive = "Parasitized"
    layout = f"{FOLDER}/Parasitized and {FOLDER}/Uninfected"
    card = DataCard(
        "Malaria cell images",
        "Single red blood cells, cut from Giemsa-stained thin blood smears photographed through a "
        "microscope with a smartphone, half of them with Plasmodium falciparum.",
        "Cells were labelled by one expert slide reader.",
        citations=(
            "S. Rajaraman et al., Pre-trained convolutional neural networks as feature extractors "
            "toward improved malaria parasite detection in thin blood smear images, PeerJ 2018.",
        ),
        tags=("malaria", "blood-smear"),
        stain="Giemsa",
        images=27_558,
        per_class={"Uninfected": 13_779, "Parasitized": 13_779},
        patients=200,
    )

    def list_images(self, tree: FileTree) -> pd.DataFrame:
        """List the cells; see `Source.list_images`.

        Raises:
            DataError: The class folders lie elsewhere.
        """
        assert self.root is not None
        top = find_folder(self.root, self.classes, ("", FOLDER))
        rows: list[tuple[str, str, str, str]] = []
        for name in self.classes:
            for path in tree.list_images(f"{top}{name}"):
                match = PATIENT.match(path.rpartition("/")[2])
                patient = "" if match is None else f"C{match['slide']}"
                if match is not None and match["patient"]:
                    patient += f"P{match['patient']}"
                rows.append((path, name, patient, "" if match else BAD_NAME))
        return pd.DataFrame(rows, columns=["path", "label", "patient", "checks"])
