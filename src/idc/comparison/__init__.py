"""What several classifiers are worth beside one another: baselines, groups, sentences."""
