"""The audit of a set of patches: findings, and the policy for each."""
