"""Float32 graphs to half precision and to int8."""
