"""The schema of the configuration: each option's type, range, default and meaning, in one place.

`idc.config.schema.apps` has one class per app; importing it makes the defaults known to Hydra.
"""
