"""The embedded synthetic set as a source; see `idc.data.synthetic` for how patches are drawn."""
