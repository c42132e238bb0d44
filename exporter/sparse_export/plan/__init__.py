"""Decide what each route of a checkpoint becomes, and build its graph."""
