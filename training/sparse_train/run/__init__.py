"""Run a training, and write what came of it."""
