"""Culling: which photos of a catalogue look alike, and which of them is the best. Nothing is ever deleted or moved."""
