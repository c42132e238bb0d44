"""Write vectors in the format that their reader takes: one file of code each, one table."""
