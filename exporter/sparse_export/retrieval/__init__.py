"""Rank a collection with PyTorch and with a graph, and refuse a graph that ranks worse."""
