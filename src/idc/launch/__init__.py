"""Between Hydra and the pipelines: one job's context, and the sweep that a job may belong to.

This module and those that it imports stay light: they are loaded before ``--help`` is answered.
"""
