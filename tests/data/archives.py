"""The true layouts of published archives, with tiny images: names, folders, tables, arrays."""

from collections.abc import Callable
from pathlib import Path

import cv2
import h5py
import numpy as np
import pandas as pd
from numpy.typing import NDArray

FINDINGS = ("No Finding", "Mass", "Effusion|Nodule", "Infiltration", "Mass|Effusion", "Hernia")
DIAGNOSES = ("akiec", "bcc", "bkl", "df", "mel", "nv", "vasc")


def draw(path: Path, seed: int, label: int, shape: tuple[int, ...] = (32, 32, 3)) -> None:
    """Write an image whose colour is its label's."""
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), _pixels(seed, label, shape))


def _pixels(seed: int, label: int, shape: tuple[int, ...]) -> NDArray[np.uint8]:
    noise = np.random.default_rng(seed).integers(0, 60, shape)
    (noise[..., label % 3] if len(shape) == 3 else noise)[...] += 30 * (1 + label)
    return np.clip(noise, 0, 255).astype(np.uint8)


def malaria(root: Path) -> None:
    """`cell_images` with its second copy, patients with and without P, and a system file."""
    for label, name in enumerate(("Uninfected", "Parasitized")):
        for number in range(36):
            slide = 100 + number % 9
            who = f"C{slide}P{slide - 39}ThinF" if number % 9 else f"C{slide}NThinF"
            file = f"{name}/{who}_IMG_20150930_{number:06d}_cell_{number}.png"
            draw(root / "cell_images" / file, 2 * number + label, label)
            draw(root / "cell_images/cell_images" / file, 2 * number + label, label)
        (root / "cell_images" / name / "Thumbs.db").write_bytes(b"x")


def ham10000(root: Path) -> None:
    """Kaggle's layout: two folders of images and the metadata."""
    rows = []
    for number in range(84):
        image, label = f"ISIC_{24306 + number:07d}", number % 7
        draw(
            root / f"HAM10000_images_part_{1 + number % 2}/{image}.jpg", number, label, (24, 32, 3)
        )
        rows.append((f"HAM_{number // 2 % 40:07d}", image, DIAGNOSES[label]))
    table = pd.DataFrame(rows, columns=["lesion_id", "image_id", "dx"])
    more = table.assign(dx_type="histo", age=50.0, sex="female", localization="back")
    more.to_csv(root / "HAM10000_metadata.csv", index=False)


def isic(root: Path) -> None:
    """Task 3 of ISIC 2018: one column for each diagnosis, lesions in a file of their own."""
    ham10000(root)
    table = pd.read_csv(root / "HAM10000_metadata.csv").rename(columns={"image_id": "image"})
    (root / "HAM10000_metadata.csv").unlink()
    truth = "ISIC2018_Task3_Training_GroundTruth"
    (root / truth).mkdir()
    order = ["MEL", "NV", "BCC", "AKIEC", "BKL", "DF", "VASC"]
    scores = pd.DataFrame({name: (table["dx"] == name.lower()).astype(float) for name in order})
    scores.insert(0, "image", table["image"])
    scores.to_csv(root / truth / f"{truth}.csv", index=False)
    groups = table[["image", "lesion_id"]].assign(diagnosis_confirm_type="histopathology")
    groups.to_csv(root / "ISIC2018_Task3_Training_LesionGroupings.csv", index=False)


def chest_xray(root: Path) -> None:
    """Two of the twelve folders of images, the table and the official lists."""
    rows, lists = [], {"train_val_list.txt": [], "test_list.txt": []}
    for number in range(72):
        patient = 1 + number // 2
        image, finding = f"{patient:08d}_{number % 2:03d}.png", FINDINGS[number % 6]
        folder = f"images_{1 + number % 2:03d}/images"
        shape = (32, 32, 4) if number == 11 else (32, 32)  # a few are RGBA
        draw(root / folder / image, number, "Mass" in finding or "Nodule" in finding, shape)
        rows.append((image, finding, number % 2, patient, "058Y", "M", "PA", 2682, 2749, 0.1, 0.1))
        lists["train_val_list.txt" if patient <= 26 else "test_list.txt"].append(image)
    columns = ["Image Index", "Finding Labels", "Follow-up #", "Patient ID", "Patient Age"]
    columns += ["Patient Gender", "View Position", "OriginalImage[Width", "Height]"]
    columns += ["OriginalImagePixelSpacing[x", "y]"]
    pd.DataFrame(rows, columns=columns).to_csv(root / "Data_Entry_2017.csv", index=False)
    for name, images in lists.items():
        (root / name).write_text("\n".join(images))


def breakhis(root: Path) -> None:
    """Four magnifications of each slide, and one patient with two kinds of tumour."""
    top = root / "BreaKHis_v1/histology_slides/breast"
    for number in range(12):
        benign = number % 2 == 0
        kinds = ["A", "F", "TA"] if benign else ["DC", "LC", "MC"]
        names = ["adenosis", "fibroadenoma", "tubular_adenoma"] if benign else [
            "ductal_carcinoma",
            "lobular_carcinoma",
            "mucinous_carcinoma",
        ]  # fmt: skip
        kind, word = kinds[number % 3], "benign" if benign else "malignant"
        slide = "14-13412" if number in (1, 3) else f"14-{22549 + number}AB"
        folder = f"SOB_{word[0].upper()}_{kind}_{slide}"
        for magnification in (40, 100, 200, 400):
            for n in range(1, 3):
                file = f"SOB_{word[0].upper()}_{kind}-{slide}-{magnification}-{n:03d}.png"
                place = top / word / "SOB" / names[number % 3] / folder / f"{magnification}X"
                draw(place / file, 8 * number + n, int(not benign), (46, 70, 3))
    (top / "README.txt").write_text("BreaKHis")


def bach(root: Path) -> None:
    """Ten images of each class; 64x48 in place of 2048x1536."""
    names = {"Normal": "n", "Benign": "b", "InSitu": "is", "Invasive": "iv"}
    for label, (name, short) in enumerate(names.items()):
        for number in range(1, 11):
            file = f"ICIAR2018_BACH_Challenge/Photos/{name}/{short}{number:03d}.tif"
            draw(root / file, 40 * label + number, label, (48, 64, 3))
    truth = root / "ICIAR2018_BACH_Challenge/Photos/microscopy_ground_truth.csv"
    truth.write_text("n001.tif,Normal\n")


def pcam(root: Path) -> None:
    """Three splits of arrays, with the slide of each patch."""
    root.mkdir(parents=True, exist_ok=True)
    for at, (split, size) in enumerate((("train", 48), ("valid", 16), ("test", 16))):
        labels = np.arange(size) % 2
        images = np.stack(
            [_pixels(100 * at + i, int(v), (96, 96, 3)) for i, v in enumerate(labels)]
        )
        name = root / f"camelyonpatch_level_2_split_{split}"
        with h5py.File(f"{name}_x.h5", "w") as file:
            file["x"] = images
        with h5py.File(f"{name}_y.h5", "w") as file:
            file["y"] = labels.astype(np.uint8).reshape(-1, 1, 1, 1)
        meta = pd.DataFrame({"tumor_patch": labels, "center_tumor_patch": labels})
        meta["wsi"] = [f"camelyon16_{split}_{i // 4:03d}" for i in range(size)]
        meta.to_csv(f"{name}_meta.csv")


ARCHIVES: dict[str, Callable[[Path], None]] = {
    "malaria": malaria,
    "ham10000": ham10000,
    "chest_xray": chest_xray,
    "breakhis": breakhis,
    "bach": bach,
    "pcam": pcam,
}
