"""One recipe per app, built from the configuration: the room that knows all others."""
