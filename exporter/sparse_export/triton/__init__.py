"""Bundles as models of a Triton repository."""
