"""From a network and patches to numbers: inference, one decision, test metrics, baselines."""
