"""Attribution methods, by Captum and torchcam, behind one face.

Each is called as ``method(model, images, targets)`` with a model from
`idc.explain.prepare.explainable_copy` and answers with one map a patch, `Attributions`. A patch's
map does not depend on the other patches of a batch.
"""

from idc.explain.methods.base import Attributions, Baseline, Method, baseline_of
from idc.explain.methods.cams import GradCam, GuidedGradCam, OnLayer, ScoreCam
from idc.explain.methods.deeplift import DeepLift
from idc.explain.methods.gradients import GuidedBackprop, IntegratedGradients, Saliency
from idc.explain.methods.noisy import GradientShap, SmoothGrad
from idc.explain.methods.perturbation import FeatureAblation, Occlusion

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
    "baseline_of",
]
