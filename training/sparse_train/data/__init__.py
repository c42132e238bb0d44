"""Load training pairs and collections, and check them."""
