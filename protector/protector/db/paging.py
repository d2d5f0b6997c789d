# SPDX-License-Identifier: Apache-2.0
"""Long lists, a page at a time."""

import dataclasses
from typing import Any

import sqlalchemy as sa


@dataclasses.dataclass(frozen=True)
class Page:
    """At most ``limit`` rows after the one whose id is ``marker``, in the order given."""

    limit: int
    marker: str | None = None
    sort_key: str = "created_at"
    descending: bool = False


def paged(query: sa.Select[Any], model: Any, page: Page, marker: Any | None) -> sa.Select[Any]:
    """Return the query of one page; the id decides between rows with the same key.

    :param marker: the row that ``page.marker`` names.
    """
    key, id = getattr(model, page.sort_key), model.id
    if marker is not None:
        last = getattr(marker, page.sort_key)
        beyond = (key < last) if page.descending else (key > last)
        beside = (id < marker.id) if page.descending else (id > marker.id)
        query = query.where(beyond | ((key == last) & beside))
    order = [key.desc(), id.desc()] if page.descending else [key, id]
    return query.order_by(*order).limit(page.limit)
