"""Star ratings in XMP sidecars, which can be undone to the byte."""
