"""Embeddings against the backbone, projections, and what neighbours have in common."""

import sys
import types

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from idc.attribution.features.embedding import neighbour_metrics, project
from idc.attribution.features.outputs import balanced_sample, embeddings
from idc.errors import ConfigError, DataError
from idc.models import backbones
from idc.models.heads import mlp
from idc.models.network import Network


@pytest.fixture
def network() -> Network:
    torch.manual_seed(0)
    backbone = backbones.vanilla_cnn(16, width=4)
    mean, std = (0.7, 0.6, 0.5), (0.2, 0.3, 0.4)
    return Network(backbone, mlp(backbone.num_features, 2, (5,)), 16, mean, std).train()


@pytest.fixture
def patches() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (12, 20, 20, 3), dtype=np.uint8)


def test_embeddings_are_the_backbones_output(network: Network, patches: np.ndarray) -> None:
    rows = np.array([7, 2, 2, 11, 0])
    before = {k: v.clone() for k, v in network.state_dict().items()}
    found = embeddings(network, patches, rows, batch_size=2)
    assert all(torch.equal(before[k], v) for k, v in network.state_dict().items())
    assert all(m.training for m in network.modules())
    assert not any(m._forward_hooks for m in network.modules())
    network.eval()
    images = torch.from_numpy(patches[rows]).permute(0, 3, 1, 2).float() / 255
    small = torch.nn.functional.interpolate(images, (16, 16), mode="bilinear", antialias=True)
    with torch.no_grad():
        expected = network.backbone((small - network.mean) / network.std).numpy()
    assert found.dtype == np.float32
    assert found.std() > 0
    assert np.allclose(found, expected, atol=1e-5)
    assert np.allclose(found, embeddings(network, patches, rows, batch_size=99), atol=1e-5)


def clouds(per: int = 20) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Two labels far apart, three patients, ten dimensions."""
    rng = np.random.default_rng(0)
    labels = np.tile([0, 1], 3 * per // 2)
    groups = np.repeat(["p1", "p2", "p3"], per)
    return rng.normal(size=(3 * per, 10)) + 8 * labels[:, None], labels, groups


@pytest.mark.parametrize("method", ["pca", "tsne"])
def test_a_projection_keeps_what_is_far_apart_and_is_the_same_for_a_seed(method: str) -> None:
    features, labels, _ = clouds(14)
    one, two = (project(features, method, seed=3) for _ in range(2))  # type: ignore[arg-type]
    assert np.array_equal(one.points, two.points)
    assert one.points.shape == (42, 2)
    near = np.linalg.norm(one.points[:, None] - one.points, axis=2)
    np.fill_diagonal(near, np.inf)
    assert np.array_equal(labels[near.argmin(1)], labels)
    assert "10 features of 42 patches" in one.words


def test_pca_says_how_much_its_axes_show() -> None:
    rng = np.random.default_rng(0)
    features = np.zeros((50, 4))
    features[:, 1], features[:, 3] = rng.permutation(50), 0.5 * rng.permutation(50)
    found = project(features, "pca")
    values = np.linalg.eigvalsh(np.cov(features.T))
    first, second = values[-1] / values.sum(), values[-2] / values.sum()
    assert found.axes[0] == f"component 1 ({100 * first:.0f} % of the variance)"
    assert found.words.endswith(
        f"show {100 * first:.0f} % and {100 * second:.0f} % of the variance"
    )
    assert "4 features of 50 patches;" in found.words
    assert np.allclose(found.points.var(0, ddof=1), values[[-1, -2]], rtol=1e-4)


@pytest.mark.parametrize("count", [1, 2, 4, 5, 9])
@pytest.mark.parametrize("width", [1, 6])
@pytest.mark.parametrize("method", ["pca", "tsne"])
def test_few_points_fit(count: int, width: int, method: str) -> None:
    features = np.random.default_rng(0).normal(size=(count, width))
    for given_features in (features, np.ones_like(features)):
        found = project(given_features, method)  # type: ignore[arg-type]
        assert found.points.shape == (count, 2)
        assert np.isfinite(found.points).all()
        assert ("perplexity" in found.words) == (method == "tsne" and count >= 5)
    if count == 9:
        perplexity = "perplexity 2.67;"
        assert (perplexity in found.words) == (method == "tsne")


def test_umap_is_asked_or_missed(monkeypatch: pytest.MonkeyPatch) -> None:
    features, *_ = clouds()
    monkeypatch.setitem(sys.modules, "umap", None)
    with pytest.raises(ConfigError, match=r"idc\[umap\]"):
        project(features, "umap")
    asked: dict[str, int] = {}

    class Fake:
        def __init__(self, **options: int) -> None:
            asked.update(options)

        def fit_transform(self, values: np.ndarray) -> np.ndarray:
            return values[:, :2]

    module = types.ModuleType("umap")
    module.UMAP = Fake  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "umap", module)
    found = project(features, "umap", seed=5)
    assert asked == {"n_neighbors": 15, "random_state": 5}
    assert np.allclose(found.points, features[:, :2], atol=1e-6)
    assert found.words.startswith("UMAP of 10 features of 60 patches, 15 neighbours")


def test_a_sample_takes_equally_from_each_patient_and_keeps_its_labels() -> None:
    groups = np.repeat(["a", "b", "c"], [5, 100, 300])
    labels = np.concatenate([np.zeros(5), np.tile([0, 0, 0, 1], 100)]).astype(int)
    rows = balanced_sample(405, 105, 0, groups, labels)
    assert len(set(rows.tolist())) == 105
    assert [int((groups[rows] == g).sum()) for g in "abc"] == [5, 50, 50]
    for name in "bc":
        assert 12 <= labels[rows][groups[rows] == name].sum() <= 13
    assert balanced_sample(405, 999, 0, groups).tolist() == list(range(405))
    assert not np.array_equal(rows, balanced_sample(405, 105, 1, groups, labels))
    few = balanced_sample(405, 2, 0, groups)
    assert len(set(groups[few])) == 2


def brute(features: np.ndarray, labels: np.ndarray, groups: np.ndarray, k: int) -> dict[str, float]:
    unit = features / np.linalg.norm(features, axis=1, keepdims=True)
    same_patient, same_label, across = [], [], []
    for i in range(len(unit)):
        order = [j for j in np.argsort(-(unit @ unit[i])) if j != i]
        same_patient.append(np.mean([groups[j] == groups[i] for j in order[:k]]))
        same_label.append(np.mean([labels[j] == labels[i] for j in order[:k]]))
        others = [j for j in order if groups[j] != groups[i]][:k]
        if others:
            across.append(np.mean([labels[j] == labels[i] for j in others]))
    return {
        "neighbours_same_patient": float(np.mean(same_patient)),
        "neighbours_same_label": float(np.mean(same_label)),
        "neighbours_same_label_other_patients": float(np.mean(across)),
    }


def test_neighbours_by_hand() -> None:
    # Angles in degrees; patient a has 0, 10 and 90, patient b 12 and 100.
    angles = np.deg2rad([0.0, 10.0, 90.0, 12.0, 100.0])
    features = np.stack([np.cos(angles), np.sin(angles)], 1) * np.array([1, 5, 2, 9, 3])[:, None]
    labels, groups = np.array([0, 0, 1, 0, 0]), np.array(list("aaabb"))
    found = neighbour_metrics(features, labels, groups, k=1)
    # Nearest: 0 -> 10 (a), 10 -> 12 (b), 90 -> 100 (b), 12 -> 10 (a), 100 -> 90 (a).
    assert found["neighbours_same_patient"] == pytest.approx(1 / 5)
    assert found["neighbours_same_patient_chance"] == pytest.approx((3 * 2 / 4 + 2 * 1 / 4) / 5)
    assert found["neighbours_same_label"] == pytest.approx(3 / 5)
    assert found["neighbours_same_label_chance"] == pytest.approx((4 * 3 / 4 + 0) / 5)
    # Among the other's: 0 -> 12 yes, 10 -> 12 yes, 90 -> 100 no, 12 -> 10 yes, 100 -> 90 no.
    assert found["neighbours_same_label_other_patients"] == pytest.approx(3 / 5)
    chance = (1 + 1 + 0 + 2 / 3 + 2 / 3) / 5
    assert found["neighbours_same_label_other_patients_chance"] == pytest.approx(chance)


@pytest.mark.parametrize("k", [1, 10, 500])
def test_neighbours_are_those_of_a_loop(k: int) -> None:
    rng = np.random.default_rng(0)
    labels, groups = rng.integers(0, 3, 120), rng.integers(0, 4, 120)
    features = rng.normal(size=(120, 6)) + labels[:, None] + 0.5 * groups[:, None]
    found = neighbour_metrics(features, labels, groups, k)
    for name, expected in brute(features, labels, groups, k).items():
        assert found[name] == pytest.approx(expected, abs=1e-9)
    assert all(0 <= value <= 1 for value in found.values())
    if k == 500:  # all others are neighbours: that is chance
        for name in brute(features, labels, groups, k):
            assert found[name] == pytest.approx(found[f"{name}_chance"])


def test_neighbours_across_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    features, labels, groups = clouds()
    features -= 4  # opposite directions, as cosines see no length
    whole = neighbour_metrics(features, labels, groups)
    monkeypatch.setattr("idc.attribution.features.embedding.CHUNK", 7)
    assert neighbour_metrics(features, labels, groups) == pytest.approx(whole)
    assert whole["neighbours_same_label_other_patients"] == 1.0


@settings(max_examples=15, deadline=None)
@given(st.integers(2, 30), st.integers(1, 4), st.integers(0, 10**6), st.booleans())
def test_features_that_are_alike_give_chance(n: int, patients: int, seed: int, zero: bool) -> None:
    rng = np.random.default_rng(seed)
    labels, groups = rng.integers(0, 2, n), rng.integers(0, patients, n)
    features = np.zeros((n, 5)) if zero else np.tile(rng.uniform(0.1, 9, 5), (n, 1))
    found = neighbour_metrics(features, labels, groups, k=3)
    assert found
    for name, value in found.items():
        assert np.isfinite(value)
        if not name.endswith("_chance"):
            assert value == pytest.approx(found[f"{name}_chance"], abs=1e-9)


def test_what_is_undefined_is_left_out() -> None:
    features, labels, _ = clouds()
    alone = neighbour_metrics(features, labels, np.full(60, "only"))
    assert alone["neighbours_same_patient"] == alone["neighbours_same_patient_chance"] == 1.0
    assert not any("other_patients" in name for name in alone)
    assert neighbour_metrics(features[:1], labels[:1], np.array(["a"])) == {}
    assert neighbour_metrics(features[:0], labels[:0], np.array([])) == {}
    with pytest.raises(DataError, match="not finite"):
        neighbour_metrics(np.array([[np.inf], [1.0]]), np.array([0, 1]), np.array(["a", "b"]))
