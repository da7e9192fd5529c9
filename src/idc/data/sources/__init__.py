"""Data sets: one small file each, which knows the layout and the facts of that set."""
