"""Groups of look-alikes, beside an open catalogue for its queries (`Filter.distinct`): `culling` finds them."""

from __future__ import annotations

from collections.abc import Iterable

from rgnet.catalogue.database import Catalogue

_TABLE = """CREATE TEMP TABLE IF NOT EXISTS look_alike
    (photo INTEGER PRIMARY KEY, number INTEGER NOT NULL, rank INTEGER NOT NULL)"""


def put_groups(catalogue: Catalogue, members: Iterable[tuple[int, int, int]]) -> None:
    """In place of those put before; they last as long as the connection.

    members: (photo, number of its group, rank in it), the best of a group with the lowest rank
    """
    # A catalogue that is only read refuses tables in memory, too
    reads_only = catalogue.count("PRAGMA query_only")
    catalogue.execute("PRAGMA query_only = OFF")
    try:
        catalogue.execute(_TABLE)
        catalogue.execute("DELETE FROM temp.look_alike")
        catalogue.execute_many("INSERT INTO temp.look_alike VALUES (?, ?, ?)", members)
    finally:
        catalogue.execute(f"PRAGMA query_only = {reads_only}")
