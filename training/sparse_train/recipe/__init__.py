"""Read a recipe, and refuse what the libraries would not take."""
