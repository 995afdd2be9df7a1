"""The catalogue of a photo library: one SQLite file, the scan that fills it, and its queries."""
