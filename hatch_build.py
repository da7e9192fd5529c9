"""Puts the configuration tree into the wheel, but leaves an editable install to read the clone's.

A plain ``force-include`` would copy ``conf`` at the time of an editable install, and edits of the
clone would no longer be seen.
"""

from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class ConfHook(BuildHookInterface):
    """Adds ``conf`` as ``idc/conf`` to a standard wheel."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Called by hatchling before it builds; `version` is ``standard`` or ``editable``."""
        if version == "standard":
            build_data["force_include"]["conf"] = "idc/conf"
