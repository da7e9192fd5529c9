"""Augmentation where the patches are: batched forms of albumentations transforms on tensors."""
