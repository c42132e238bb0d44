"""Talk to a server that serves a bundle."""
