"""A real tritonserver, without docker."""
