"""Mine hard negatives."""
