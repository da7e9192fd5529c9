"""The process and its machine: ranks, locks, signals, atomic files, progress and redaction."""
