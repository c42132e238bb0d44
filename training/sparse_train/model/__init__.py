"""Build the model, its losses and its evaluators."""
