"""Experiment-tracked classification of histopathology patches."""

__version__ = "0.1.0"
