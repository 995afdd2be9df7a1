"""Rated photos: what people said of which file. Each module reads one data set in its real format."""
