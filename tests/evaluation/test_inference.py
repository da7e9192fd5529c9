import numpy as np
import pytest
import torch
from torch import Tensor, nn

from idc.errors import ConfigError
from idc.evaluation.inference import D4, Inference, pool, predict
from idc.models.backbones import simple_cnn
from idc.models.heads import linear, mlp
from idc.models.network import Network


def network(head: str = "linear") -> Network:
    torch.manual_seed(0)
    backbone = simple_cnn(image_size=32)
    make = {"linear": linear, "mlp": mlp}[head]
    return Network(backbone, make(backbone.num_features, 2), 32).eval()


def batches(count: int = 6) -> list[dict[str, Tensor]]:
    torch.manual_seed(1)
    images = torch.randint(0, 256, (count, 3, 32, 32), dtype=torch.uint8)
    return [{"image": part, "label": torch.zeros(len(part))} for part in images.split(4)]


def everything() -> Tensor:
    return torch.cat([batch["image"] for batch in batches()])


def test_the_eight_views_are_the_symmetries_of_the_square() -> None:
    marked = torch.arange(16.0).reshape(1, 1, 4, 4)
    seen = {tuple(view(marked).flatten().tolist()) for view in D4}
    assert len(seen) == 8
    for view in D4:  # closed: a view of a view is a view
        assert {tuple(view(other(marked)).flatten().tolist()) for other in D4} == seen


def test_d4_is_the_mean_over_the_views_and_does_not_hang_on_orientation() -> None:
    net, cpu = network(), torch.device("cpu")
    said = predict(net, batches(), cpu, Inference(views="d4"))
    assert said.samples.shape == (8, 6, 2)
    with torch.no_grad():
        one_by_one = torch.stack([net(view(everything())).softmax(1) for view in D4]).mean(0)
    np.testing.assert_allclose(said.probabilities, one_by_one.numpy(), atol=1e-6)
    turned = [{**b, "image": torch.rot90(b["image"], 1, (-2, -1))} for b in batches()]
    again = predict(net, turned, cpu, Inference(views="d4"))
    np.testing.assert_allclose(again.probabilities, said.probabilities, atol=1e-6)
    assert set(said.uncertainty) >= {"entropy", "mutual_information", "score_std"}


def test_dropout_is_left_on_for_the_passes_only() -> None:
    net, cpu = network("mlp"), torch.device("cpu")
    plain = predict(net, batches(), cpu)
    assert plain.samples.shape == (1, 6, 2)
    assert plain.uncertainty == {}
    before = torch.get_rng_state()
    how = Inference(dropout_samples=5, seed=3)
    said = predict(net, batches(), cpu, how)
    assert torch.equal(torch.get_rng_state(), before)
    assert said.samples.std(axis=0).max() > 0
    np.testing.assert_array_equal(predict(net, batches(), cpu, how).samples, said.samples)
    assert not any(module.training for module in net.modules())
    statistics = [m for m in net.modules() if isinstance(m, nn.BatchNorm1d)]
    assert all(int(m.num_batches_tracked) == 0 for m in statistics)
    np.testing.assert_array_equal(predict(net, batches(), cpu).samples, plain.samples)


def test_several_networks_are_pooled() -> None:
    cpu = torch.device("cpu")
    said = [predict(network(head), batches(), cpu) for head in ("linear", "mlp")]
    mean = (said[0].probabilities + said[1].probabilities) / 2
    np.testing.assert_allclose(pool(said).probabilities, mean, atol=1e-7)


def test_what_cannot_be_asked_is_refused() -> None:
    with pytest.raises(ConfigError, match="drops nothing"):
        predict(network(), batches(), torch.device("cpu"), Inference(dropout_samples=3))
    with pytest.raises(ConfigError, match="views"):
        Inference(views="d8")
    with pytest.raises(ConfigError, match="dropout_samples"):
        Inference(dropout_samples=1)
