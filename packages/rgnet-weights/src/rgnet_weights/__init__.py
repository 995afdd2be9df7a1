"""Model files for rgnet, which finds them here by name."""
