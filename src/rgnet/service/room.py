"""Room for the photos in hand: what does not fit is told to come later, so that nothing grows without end."""

from __future__ import annotations

import contextlib

from rgnet.service.refusals import busy


class Room:
    """Belongs to one event loop.

    photos, size: that may be in hand at once, size in bytes
    """

    def __init__(self, *, photos: int, size: int) -> None:
        self.most_photos, self.most_bytes = photos, size
        self.photos = self.bytes = 0

    def enter(self) -> Stay:
        return Stay(self)


class Stay(contextlib.AbstractContextManager):
    """One request's share of the room, given back at its end."""

    def __init__(self, room: Room) -> None:
        self.room = room
        self.photos = self.bytes = 0

    def photo(self) -> None:
        """Take the place of one photo. Raises Refused (429)."""
        if self.room.photos >= self.room.most_photos:
            raise busy(f"{self.room.photos} photos are waiting already")
        self.room.photos += 1
        self.photos += 1

    def hold(self, size: int) -> None:
        """Take the place of so many bytes. Raises Refused (429)."""
        if self.room.bytes + size > self.room.most_bytes:
            raise busy(f"{self.room.bytes} bytes of photos are waiting already")
        self.room.bytes += size
        self.bytes += size

    def __exit__(self, *_exception: object) -> None:
        self.room.photos -= self.photos
        self.room.bytes -= self.bytes
        self.photos = self.bytes = 0
