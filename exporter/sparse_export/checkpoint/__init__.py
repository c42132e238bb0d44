"""Read a checkpoint: where it is, what kind it is, its modules and its tokenizer."""
