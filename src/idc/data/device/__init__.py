"""Augmentation where the patches are: batched twins of albumentations transforms on tensors."""
