"""The command sparse-client."""
