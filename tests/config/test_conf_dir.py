"""The configuration tree has the choices of the design."""

from pathlib import Path

from idc.config.conf_dir import conf_dir


def test_what_is_configured_exists() -> None:
    """No YAML of a group is left without a use, and names are those of the design."""
    fixed = {
        "backbone": {
            *("resnet50", "resnet18", "vgg16", "vgg19", "mobilenet_v2", "mobilenet_v3_small"),
            *("mobilenet_v3_large", "simple_cnn", "vanilla_cnn", "timm"),
        },
        "trainer": {"auto", "cpu", "gpu", "ddp", "ddp_cpu", "debug"},
        "tracking": {"local", "server", "none"},
        "optimizer": {"sgd", "adam", "adamw", "rmsprop", "adadelta"},
        "scheduler": {"cosine", "one_cycle", "step", "plateau", "constant"},
        "augment": {"none", "light", "strong"},
    }
    for group, names in fixed.items():
        assert names <= {Path(p).stem for p in (conf_dir() / group).glob("*.yaml")}
