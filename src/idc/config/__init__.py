"""The configuration: its schema, its checking, and what may be built from it."""
