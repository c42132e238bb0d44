"""A checkpoint of the shape of each public model, with two layers and random weights, and what its export gives."""
