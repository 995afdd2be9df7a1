"""The page that shows scored photos: as a report, complete in one file, and as the service's gallery, which feeds it.

`rows` says what the page knows of a photo, `document` puts the page together, `report` writes one for a catalogue. The
page is plain HTML, CSS and JavaScript of our own in this folder: no framework, no build step, and nothing is fetched
from anywhere else.
"""

from rgnet.page.document import (
    CONTENT_SECURITY_POLICY,
    read_script,
    read_style,
    render_photo_data,
    render_served,
    render_standalone,
)
from rgnet.page.rows import (
    describe_explanation,
    describe_page,
    describe_photo,
    describe_regions,
    pack_edges,
)

__all__ = [
    "CONTENT_SECURITY_POLICY",
    "describe_explanation",
    "describe_page",
    "describe_photo",
    "describe_regions",
    "pack_edges",
    "read_script",
    "read_style",
    "render_photo_data",
    "render_served",
    "render_standalone",
]
