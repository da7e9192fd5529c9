"""Comparison of several runs: pooled folds, paired tests, leaderboard, learning curves."""
