"""Records to files and pictures."""
