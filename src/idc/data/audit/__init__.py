"""What can be wrong with a set of patches, found by measure, and what is done about it."""
