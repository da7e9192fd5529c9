"""Attributions: where in a patch the evidence for a decision lies."""
