"""Patches packed into one memory-mapped array beside their index, shared by all processes."""
