"""Reader study of a model's patches: the page, its server, and the analysis of the answers."""
