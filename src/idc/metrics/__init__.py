"""Metric collections, thresholds and intervals: arrays or tensors in, numbers out."""
