"""Where the configuration tree lies: in an installed package inside it, in a clone beside it."""

from pathlib import Path


def conf_dir() -> Path:
    """The folder with ``train.yaml``."""
    inside = Path(__file__).parent / "conf"
    return inside if inside.is_dir() else Path(__file__).parents[2] / "conf"
