"""Figures: arrays in, a matplotlib Figure out, no input or output of files."""
