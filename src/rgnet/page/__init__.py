"""The page that shows scored photos: of a report, whole in one file, and of the service's gallery, which answers it.

`rows` says what the page is told of a photo, `document` puts the page together. The page is plain HTML, CSS and
JavaScript of our own in this folder: no framework, no build step, and nothing is fetched from anywhere else.
"""

from rgnet.page.document import POLICY, block, embedded, script, served, style
from rgnet.page.rows import about, detail, listed, mapped

__all__ = [
    "POLICY", "about", "block", "detail", "embedded", "listed", "mapped", "script", "served", "style",
]  # fmt: skip
