"""A whole photo library: the catalogue that remembers it, and the scan that keeps the catalogue true."""
