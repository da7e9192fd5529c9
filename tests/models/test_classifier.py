"""The LightningModule's step."""

from functools import partial

import pytest
import torch
from torch import nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torchmetrics import Metric

from idc.metrics.collection import build_metrics
from idc.models.backbones import simple_cnn
from idc.models.classifier import Learning, PatchClassifier
from idc.models.heads import linear
from idc.models.losses import CrossEntropy, SupervisedContrastive
from idc.models.network import Network
from idc.models.schedulers import constant

BATCH = {
    "image": torch.randint(0, 256, (8, 3, 50, 50), dtype=torch.uint8),
    "label": torch.arange(8) % 2,
    "row": torch.arange(8),
}


def classifier(compiled: bool = False) -> PatchClassifier:
    torch.manual_seed(0)
    backbone = simple_cnn(50)
    module = PatchClassifier(
        Network(backbone, linear(backbone.num_features, 2), 50),
        CrossEntropy(),
        build_metrics(2),
        Learning(partial(torch.optim.AdamW), 1e-3, constant),
        2,
        compiled=compiled,
    )
    module.log = lambda *arguments, **options: None
    return module


def to_fake_gpu(module: PatchClassifier) -> None:
    """Parameters, buffers and metric states as tensors that know their shape and place only."""

    def like(tensor: torch.Tensor) -> torch.Tensor:
        return torch.empty(tensor.shape, dtype=tensor.dtype, device="cuda")

    for part in module.modules():
        for name, value in part._parameters.items():
            part._parameters[name] = None if value is None else nn.Parameter(like(value))
        for name, buffer in part._buffers.items():
            part._buffers[name] = None if buffer is None else like(buffer)
        if isinstance(part, Metric):
            part._device = torch.device("cuda")
            for state in part._defaults:
                if isinstance(value := getattr(part, state), torch.Tensor):
                    setattr(part, state, like(value))


def test_a_step_never_asks_the_gpu_for_a_value() -> None:
    """A fake tensor on a GPU has no value to give: whatever looks at one fails."""
    module = classifier()
    # torchmetrics groups metrics by their values once, at the first batch.
    module.training_step(BATCH, 0)
    module.validation_step(BATCH, 0)
    for metric in (*module.stage_metrics.values(), *module.stage_loss.values()):
        metric.reset()
    with FakeTensorMode():
        to_fake_gpu(module)
        batch = {k: torch.empty(v.shape, dtype=v.dtype, device="cuda") for k, v in BATCH.items()}
        loss = module.training_step(batch, 0)
        module.validation_step(batch, 0)
        assert loss.device.type == "cuda"


@pytest.mark.slow
def test_training_through_a_compiled_network_leaves_its_names_and_weights_alone() -> None:
    plain, compiled = classifier(), classifier(compiled=True)
    assert list(plain.state_dict()) == list(compiled.state_dict())
    assert len(list(compiled.parameters())) == len(list(plain.parameters()))
    torch._dynamo.reset()
    through = torch.compile(compiled.network.logits_and_features, backend="eager")
    compiled._trained_through = (through,)
    losses = [m.training_step(BATCH, 0) for m in (plain, compiled)]
    torch.testing.assert_close(*losses)
    for loss in losses:
        loss.backward()
    for one, two in zip(plain.parameters(), compiled.parameters(), strict=True):
        torch.testing.assert_close(one.grad, two.grad)


def test_a_contrastive_loss_gets_the_features_of_the_patches() -> None:
    module = classifier()
    torch.manual_seed(0)
    module.loss = SupervisedContrastive(contrastive_weight=2.0)
    module.eval()
    module.loss.train()
    loss = module.training_step(BATCH, 0)
    logits, features = module.network.logits_and_features(BATCH["image"])
    assert features.shape == (8, module.network.backbone.num_features)
    assert loss.item() == pytest.approx(module.loss(logits, BATCH["label"], features).item())
    assert loss.item() > CrossEntropy()(logits, BATCH["label"]).item()
    loss.backward()
    assert all(p.grad is not None for p in module.network.parameters())
