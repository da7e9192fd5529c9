"""From a folder of patches to batches: sources, the index, splits, the store, augmentation."""
