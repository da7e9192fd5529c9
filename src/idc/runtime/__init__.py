"""The process and its machine: ranks, locks, signals, safe files, and what a person reads of it."""
