"""Whole slides: regions, maps, smoothing, and files for slide viewers."""
