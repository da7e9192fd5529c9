"""Ways to divide a set into train, validation and test, and the smaller training splits of each."""
