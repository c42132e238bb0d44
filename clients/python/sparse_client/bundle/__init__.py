"""Read a bundle and run its graphs."""
