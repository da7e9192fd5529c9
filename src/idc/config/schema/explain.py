"""Options of explanations."""

from typing import Annotated, Any, Literal

from omegaconf import OmegaConf

from idc.config.rules import TEXT, either, list_of, one_of, whole
from idc.config.schema.kinds import (
    AtLeast0,
    AtLeast1,
    Fill,
    Name,
    NotNegative,
    OpenShare,
    Part,
    Positive,
    Seed,
)
from idc.config.schema.option import option, part

REPLACED = one_of("white", "grey", "mean", "black", "blur")
Replaced = Annotated[Any, either(REPLACED, list_of(REPLACED, least=1))]

OmegaConf.register_new_resolver("idc.when", lambda on, yes, no: yes if on else no, replace=True)


def if_parts(on: object, off: object) -> str:
    """A default that follows the one switch ``explain.parts``."""
    return f"${{idc.when:${{explain.parts}},{on},{off}}}"


@part
class Method:
    """An attribution method; it has those of these options that it takes."""

    layer: str | None = option(help="null: the deepest layer whose map is large enough")
    min_map: AtLeast1 = option(help="smallest side of that map")
    baseline: Fill = option(help="white (glass) | black | mean (of the patch)")
    baselines: Annotated[list[Any], list_of(one_of("white", "black", "mean"), least=1)] = option(
        help="several of them"
    )
    steps: AtLeast1 = option(help="steps from the reference image to the patch")
    samples: AtLeast1 = option(help="noisy copies, or draws, per patch")
    noise: NotNegative = option(help="standard deviation, as a share of the patch's range")
    seed: Seed = option(help="seed of the noise")
    rows_at_once: AtLeast1 = option(help="inputs per pass; bounds the memory")
    superpixels: AtLeast1 = option(help="about how many per patch")
    compactness: Positive = option(help="of superpixels; larger: more like squares")
    window: AtLeast1 = option(help="side of the window, pixels")
    stride: AtLeast1 = option(help="pixels between windows")


@part
class Faithfulness:
    """How far the maps can be trusted, measured on test patches called positive."""

    _target_: str = option("idc.attribution.faithfulness.plan.FaithfulnessPlan")
    patches: AtLeast0 = option(if_parts(24, 0), "patches; 0 turns it off")
    baselines: Replaced = option(
        ["white", "mean"], "put in a pixel's place, each in turn: white|grey|mean|black|blur"
    )
    least_gain: NotNegative = option(0.01, "a gain that is not surely above it does not count")
    steps: AtLeast1 = option(10, "of insertion and deletion")
    random_maps: AtLeast1 = option(3, "random maps of the same spectrum per map")
    perturbations: AtLeast1 = option(10, "of infidelity and max-sensitivity")
    noise: Part = option(0.03, "infidelity: standard deviation, of pixels in [0, 1]")
    radius: Part = option(0.02, "max-sensitivity: largest change of a pixel")
    sensitivity_patches: AtLeast0 = option(8, "max-sensitivity: patches; 0 leaves it out")
    shuffles: AtLeast1 = option(1, "how often all weights are shuffled")
    max_similarity: Part = option(0.5, "maps more like those of shuffled weights fail")
    seed: Seed = option(0, "seed")


@part
class Regions:
    """Regions of evidence in patches called positive: figure and GeoJSON."""

    method: str | None = option(None, "null: the one to trust most")
    share: OpenShare = option(0.5, "share of the map's positive mass that the regions hold")
    min_pixels: AtLeast1 = option(12, "smaller regions are left out")
    max_regions: AtLeast1 = option(5, "regions per patch at most")
    pixel_size: Positive | None = option("${..slides.pixel_size}", "side of a pixel, micrometres")


@part
class Features:
    """Feature maps, first filters, and the patches that most excite single units."""

    patches: AtLeast0 = option(if_parts(2, 0), "patches; 0 turns it off")
    layers: Annotated[list[Any], list_of(TEXT, least=1)] | None = option(
        None, "null: the first convolution and the end of each stage"
    )
    channels: AtLeast1 = option(8, "channels of each layer")
    units: AtLeast0 = option(6, "units of the last layer")


@part
class Embedding:
    """The test patches as the network orders them."""

    method: Literal["tsne", "pca", "umap", "none"] = option(
        if_parts("tsne", "none"), "umap needs the extra umap"
    )
    points: Annotated[int, whole(5)] = option(2000, "patches at most")


@part
class Slides:
    """Maps of whole slides."""

    patients: AtLeast0 | Literal["all"] | list[Name] = option(
        if_parts(3, 0), "test patients, those with most missed patches first; all; or a list"
    )
    method: str | None = option(None, "stitched attribution; null: the one to trust first")
    tiff: bool = option(False, "OME-TIFF pyramids as well")
    pixel_size: Positive | None = option(None, "side of a slide pixel, micrometres, for areas")


@part
class Explain:
    """What is explained, and by which attribution methods: explain=[gradcam,occlusion]."""

    select: str = option("kinds", "kinds | errors | random | all | patient=ID | files=PATH")
    target: Name | None = option(
        None,
        "class to explain: its name, predicted or label; null: the positive one of two, the "
        "predicted one of more; of several labels the most frequent",
    )
    per_kind: AtLeast0 = option(4, "kinds: patches of each, true/false positives/negatives")
    count: AtLeast1 | None = option(200, "otherwise: patches at most; null for all")
    seed: Seed = option(0, "seed of the selection")
    batch_size: AtLeast1 = option(64, "patches at once; bounds the memory")
    parts: bool = option(
        True, "false turns all off that follows; each part may be turned on again by its own value"
    )
    methods: dict[str, Method] = option({}, "the methods; the files of the group add them")
    faithfulness: Faithfulness
    regions: Regions
    features: Features
    embedding: Embedding
    slides: Slides
