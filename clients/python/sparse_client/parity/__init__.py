"""Replay golden vectors and compare what comes back with PyTorch."""
