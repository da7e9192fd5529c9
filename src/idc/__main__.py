"""``python -m idc`` is the ``idc`` command."""

from idc.cli import main

main()
