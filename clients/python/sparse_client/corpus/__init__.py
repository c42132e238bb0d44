"""Read texts of any number from files."""
