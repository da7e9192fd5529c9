"""Explanations of a run: attributions, how faithful they are, slide maps, what was learnt."""
