"""Export a checkpoint: the steps in their order."""
