"""Where the configuration tree lies: in an installed package inside it, in a clone beside it."""

from pathlib import Path


def conf_dir() -> Path:
    """The folder with ``train.yaml``; see `idc.config.schema.apps.register` for its defaults."""
    package = Path(__file__).parents[1]
    inside = package / "conf"
    return inside if inside.is_dir() else package.parents[1] / "conf"
