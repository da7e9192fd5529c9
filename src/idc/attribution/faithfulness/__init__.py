"""Faithfulness of attribution maps: how well they agree with the behaviour of the network."""
