"""Write a bundle's files and manifest, and read them back."""
