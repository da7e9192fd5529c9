"""A pathologist reviews a model's patches: the page, its server, and what the answers say."""
