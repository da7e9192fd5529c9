"""What a network has learnt: filters, feature maps, what excites a unit, embeddings."""
