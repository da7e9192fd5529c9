"""Attribution methods, by Captum and torchcam, behind one interface.

Each is called as ``method(model, images, targets)`` with a model from
`idc.attribution.prepare.explainable_copy` and returns one map per patch, `Attributions`. A
patch's map does not depend on the other patches of a batch.
"""

from idc.attribution.methods.base import Attributions, Baseline, Method, reference_image
from idc.attribution.methods.cams import GradCam, GuidedGradCam, OnLayer, ScoreCam
from idc.attribution.methods.deeplift import DeepLift
from idc.attribution.methods.gradients import (
    GradientShap,
    GuidedBackprop,
    IntegratedGradients,
    Saliency,
    SmoothGrad,
)
from idc.attribution.methods.perturbation import FeatureAblation, Occlusion

__all__ = [
    "Attributions",
    "Baseline",
    "DeepLift",
    "FeatureAblation",
    "GradCam",
    "GradientShap",
    "GuidedBackprop",
    "GuidedGradCam",
    "IntegratedGradients",
    "Method",
    "Occlusion",
    "OnLayer",
    "Saliency",
    "ScoreCam",
    "SmoothGrad",
    "reference_image",
]
