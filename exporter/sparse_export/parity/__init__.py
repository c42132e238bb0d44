"""Compare graphs with PyTorch: reference vectors, and the proof that a graph gives them."""
