"""A review of a run: which cases, served to readers, and what their answers say."""
