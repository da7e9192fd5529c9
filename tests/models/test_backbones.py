import pytest
import torch
from torchvision import models as tv

from idc.models import backbones

SMALL = {
    "resnet18": lambda size: backbones.resnet("resnet18", size),
    "vgg16": lambda size: backbones.vgg("vgg16", size),
    "vgg16_bn": lambda size: backbones.vgg("vgg16_bn", size),
    "mobilenet_v2": lambda size: backbones.mobilenet("mobilenet_v2", size),
    "mobilenet_v3_small": lambda size: backbones.mobilenet("mobilenet_v3_small", size),
    "simple_cnn": lambda size: backbones.simple_cnn(size),
    "vanilla_cnn": lambda size: backbones.vanilla_cnn(size),
}


@pytest.mark.parametrize("name", SMALL)
def test_stages_give_the_features_they_promise(name: str) -> None:
    with torch.device("meta"):  # shapes only: to draw the weights of a VGG takes seconds
        backbone = SMALL[name](50).eval()
        out = backbone(torch.rand(2, 3, 50, 50))
    assert out.shape == (2, backbone.num_features)
    assert len(backbone.groups()) >= 1


@pytest.mark.slow
@pytest.mark.parametrize("name", ["resnet18", "mobilenet_v2", "mobilenet_v3_small", "vgg16_bn"])
def test_cutting_into_stages_changes_nothing(name: str) -> None:
    torch.manual_seed(0)
    reference = tv.get_model(name, weights=None).eval()
    torch.manual_seed(0)
    ours = SMALL[name](64).eval()
    x = torch.rand(2, 3, 64, 64)
    with torch.no_grad():
        if name == "resnet18":
            reference.fc = torch.nn.Identity()
            expected = reference(x)
        else:
            expected = reference.features(x).mean((2, 3))
        assert torch.allclose(ours(x), expected, atol=1e-5)


def test_small_stem_keeps_resolution() -> None:
    standard = backbones.resnet("resnet18", 50, stem="standard")
    small = backbones.resnet("resnet18", 50, stem="small")
    x = torch.rand(1, 3, 50, 50)
    assert standard.stages(x).shape[-1] == 2
    assert small.stages(x).shape[-1] == 7
