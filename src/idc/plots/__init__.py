"""Figures: arrays in, a matplotlib Figure out, without file access."""
