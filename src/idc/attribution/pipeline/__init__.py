"""The steps of an explanation in a run."""
