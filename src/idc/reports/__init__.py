"""Reports: one self-contained HTML page, with its figures inside."""
