"""What is told of a whole slide: its regions, its maps, and files that slide viewers open."""
