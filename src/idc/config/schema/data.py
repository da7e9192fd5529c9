"""Options of the data: what is read, checked, packed, split, loaded and augmented."""

from typing import Annotated, Any, Literal

from idc.config.rules import MAPPING, Rule, is_number, list_of, number, whole
from idc.config.schema.kinds import (
    AtLeast0,
    AtLeast1,
    Name,
    Names,
    NotNegative,
    OpenShare,
    Part,
    Seed,
)
from idc.config.schema.option import option, part

PILLOWS_LIMIT = 89_478_485  # pixels from which on Pillow takes an image for an attack
Action = Literal["keep", "drop", "fail"]
Refusal = Literal["drop", "fail"]
LeakAction = Literal["fail", "warn", "drop"]
Window = Annotated[
    list[Any],
    Rule(
        lambda v: isinstance(v, list) and len(v) == 2 and all(map(is_number, v)) and v[1] > 0,
        "a list, [centre,width], of two numbers with a width above 0",
    ),
]
Side = Annotated[int, whole(8)]


@part
class Columns:
    """Names of the table's columns; null if there is none."""

    path: Name = option(help="table: the image's file")
    label: Name = option(help="table: the name of its class")
    patient: Name | None = option(help="table: its patient; null if unknown")
    split: Name | None = option(help="table: train | val | test | unused; may be absent")
    x: Name | None = option(help="table: left edge on the slide, pixels; may be absent")
    y: Name | None = option(help="table: upper edge on the slide, pixels; may be absent")
    weight: Name | None = option(
        help="table: how often an image is drawn in training, relative to others; may be absent"
    )


@part
class Card:
    """What is published about the set, for reports and the model card."""

    title: Name | None = option(help="name of the set; null: of the folder or the table")
    about: str | None = option(help="what it is, in sentences")
    labels: str | None = option(help="how reliable its labels are, in a sentence")
    license: str | None = option(help="licence of the images")
    citations: list[str] = option(help="what to cite")
    tags: list[Name] = option(help="for searching")
    stain: str | None = option(help="H&E for such sections: ink, glass and stain are looked at")
    images: AtLeast1 | None = option(help="published number of images")
    patients: AtLeast1 | None = option(help="published number of patients")


@part
class Data:
    """The data set."""

    root: str | None = option(help="the folder with the data")
    positive: Name | Names | None = option(
        help="the positive one of two classes; or of more, X or [A,B], against the rest"
    )
    patient_pattern: str | None = option(
        help="folder: regex with (?P<patient>...) on the path; or folder, or dicom (see docs)"
    )
    class_depth: AtLeast1 | None = option(
        help="folder: depth of the class folders; 2 for <patient>/<class>; null: 1, and checked"
    )
    table: str | Names = option(
        help="table: CSV or Parquet file, one row per image, below data.root; of several the first"
    )
    columns: Columns
    path_template: str | None = option(
        help="table: where images lie, such as images/*.jpg, or **/*.jpg at any depth"
    )
    labels_joined_by: str | None = option(
        help="table: what joins several labels of one image, or null"
    )
    no_label: Name | None = option(
        help="table: the label of images that have none of several; null if it is left empty"
    )
    magnification: Literal["40X", "100X", "200X", "400X"] | None = option(
        help="breakhis: images of one magnification; null: of all"
    )
    subtypes: bool = option(help="breakhis: the eight kinds of tumour as classes")
    tile: Side = option(help="bach: side of the squares cut from an image, pixels")
    stride: AtLeast1 = option(help="bach: distance of their edges, pixels; less than tile overlaps")
    card: Card
    patch_size: Side = option(help="side of a stored patch, pixels")
    image_size: Side = option(help="side of the network's input, pixels")
    edge: Literal["pad", "resize"] = option(help="smaller patches: pad (mirrored) | resize")
    max_pixels: Annotated[int, whole(1, PILLOWS_LIMIT)] = option(
        help="larger images are not decoded (audit.too_large)"
    )
    window: Window | None = option(
        help="more than 8 bits: [centre,width] of what becomes black to white; null: see docs"
    )
    slice: AtLeast0 | None = option(
        help="DICOM frame or axial NIfTI slice, from 0; null: the middle one"
    )
    corrections: str | None = option(
        help="CSV file of a review: labels to correct, patches to omit"
    )
    patients: AtLeast1 = option(help="synthetic: patients")
    patches_per_patient: Annotated[int, whole(4)] = option(help="synthetic: patches per patient")
    positive_fraction: OpenShare = option(help="synthetic: share of positive patches")
    shuffle_labels: bool = option(help="synthetic: labels at random, so that nothing can be learnt")
    seed: Seed = option(help="synthetic: seed of the patches")


@part
class Store:
    """The patch store: the packed set, one memory-mapped array, below paths.stores."""

    use: bool = option(True, "train from the patch store; false reads the files at each start")
    build: bool = option(True, "make it on first use, update it when the source has changed")
    workers: Literal["auto"] | AtLeast1 = option("auto", "processes that read the files")


@part
class Limits:
    """Shares of a patch's pixels, and other limits, from which on it is a finding."""

    white: Part = option(0.85, "near_white: share of white pixels")
    grey: Part = option(0.5, "near_grey: share of grey pixels")
    colourless: Part = option(0.95, "glass: share of pixels without colour")
    ink: Part = option(0.005, "ink: share of pixels of ink's colours")
    sliver: Part = option(0.2, "sliver: share of the usual area below which a patch is one")
    near_bits: Annotated[int, whole(0, 7)] = option(
        3, "near_duplicate: bits by which perceptual hashes may differ"
    )
    near_difference: Annotated[float, number(lambda v: 0 <= v <= 255, "a number from 0 to 255")] = (
        option(10.0, "near_duplicate: mean difference of the pixels, grey levels, at most")
    )


@part
class Audit:
    """What is done about each finding: keep | drop | fail. All are counted and logged."""

    not_read: Refusal = option("drop", "files that no patch is read from")
    bad_name: Refusal = option("drop", "the file's name does not follow the layout")
    label_mismatch: Action = option("keep", "name and folder give different classes")
    patient_mismatch: Action = option("keep", "name and folder give different patients")
    unreadable: Refusal = option("drop", "empty or broken files")
    truncated: Refusal = option("drop", "PNGs that end early")
    too_large: Refusal = option("drop", "more pixels than data.max_pixels")
    odd_format: Action = option("keep", "another format than the name says: a JPEG named .png")
    odd_mode: Action = option("keep", "grey, palette, 16-bit, RGBA, CMYK; converted to 8-bit RGB")
    narrow_range: Action = option("keep", "more than 8 bits whose range needs a data.window")
    odd_size: Action = option("keep", "another size than the rest; fitted as data.edge says")
    sliver: Action = option("drop", "so small that it shows next to no tissue")
    duplicate_within: Action = option("keep", "the same pixels as an earlier patch of the patient")
    duplicate_across: Action = option("keep", "the same pixels as a patch of another patient")
    duplicate_opposite: Action = option("keep", "the same pixels under two labels")
    near_duplicate: Action = option("keep", "nearly the same pixels as a patch of another patient")
    overlap: Action = option("keep", "covers a part of an earlier patch of the slide")
    one_class: Action = option("keep", "patients with patches of one class only")
    near_white: Action = option("keep", "hardly any tissue: white")
    near_grey: Action = option("keep", "grey: out of focus, unstained or an artefact")
    glass: Action = option("keep", "no colour: bare glass, the slide's edge")
    ink: Action = option("keep", "marking ink")
    limits: Limits


@part
class Split:
    """Which patients train, validate and test."""

    test_patients: list[Name] = option(help="patients to test on, [8863,8865]; else chosen")
    val_patients: list[Name] = option(help="patients to validate on; else chosen")
    test_fraction: OpenShare = option(help="share of the patients (random: patches) to test on")
    val_fraction: OpenShare = option(help="share of them to validate on")
    folds: Annotated[int, whole(2)] | Literal["patients"] | None = option(
        help="cross-validation: folds=5 fold=0..4; folds=patients leaves one patient out"
    )
    fold: AtLeast0 = option(help="which fold is tested")
    file: str | None = option(
        help="predefined: CSV file with columns split and patient or path; null: the data set's own"
    )
    others: Literal["fail", "unused"] = option(help="predefined: data that the file does not name")
    allow_leak: bool = option(help="predefined: accept a patient in two splits; marked as leaky")
    train_fraction: Part = option(1.0, "share of the training patients used; val and test stay")
    train_by: Literal["patient", "patch"] = option("patient", "what train_fraction leaves out")
    train_patients: AtLeast1 | None = option(None, "or the number of training patients used")
    train_patches: AtLeast1 | None = option(None, "or that of patches, evenly over the patients")
    seed: Seed = option(0, "seed of the split")


@part
class Leaks:
    """What is done about data in two splits: fail | warn | drop (never out of test)."""

    _target_: str = option("idc.data.leak_policy.LeakPolicy")
    patients: LeakAction = option("fail", "a patient in two splits (a leaky split only warns)")
    duplicates: LeakAction = option("fail", "the same pixels in two splits")
    near_duplicates: LeakAction = option("warn", "nearly the same pixels, by the audit's limits")


@part
class EvalLoader:
    """Loading of batches."""

    eval_batch_size: AtLeast1 = option(256, "patches per batch when evaluating")


@part
class Loader:
    """Loading of batches."""

    batch_size: AtLeast1 = option(64, "patches per training batch and device")
    eval_batch_size: AtLeast1 = option(256, "patches per batch when evaluating")
    num_workers: Literal["auto"] | AtLeast0 = option("auto", "loader processes")
    sampler: Literal["shuffle", "balanced", "patients", "balanced_patients"] = option(
        "shuffle",
        "balanced: classes equally often | patients: these equally often | balanced_patients: both",
    )


@part
class Augment:
    """Augmentation of training patches."""

    transforms: Annotated[list[Any], list_of(MAPPING)] = option([], "albumentations' transforms")
    device: Literal["cpu", "gpu"] = option("cpu", "cpu: per patch, in workers | gpu: per batch")
    mixup: NotNegative = option(0.0, "alpha of MixUp; 0 turns it off")
    cutmix: NotNegative = option(0.0, "alpha of CutMix; 0 turns it off")
