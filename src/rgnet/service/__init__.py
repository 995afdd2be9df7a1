"""The same scores over HTTP: an application over the scorer, and the gallery of a catalogue. See docs/deployment.md."""
