"""Backbones, heads, losses and the LightningModule that trains them."""
