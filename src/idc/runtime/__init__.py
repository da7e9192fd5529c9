"""What a process needs to know of its machine, and what a person reads of its progress."""
