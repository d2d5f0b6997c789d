# SPDX-License-Identifier: Apache-2.0
"""Lists, a page at a time."""

from collections.abc import Sequence
from typing import Any

import falcon

from protector.db.paging import Page
from protector.schemas.common import ListQuery


def page(query: ListQuery) -> Page:
    return Page(
        limit=query.limit,
        marker=query.marker,
        sort_key=query.sort_key,
        descending=query.sort_dir == "desc",
    )


def listing(
    req: falcon.Request, name: str, views: Sequence[dict[str, Any]], *, query: ListQuery, id: str
) -> dict[str, Any]:
    """Return the answer: the views, and where the next ones are if there may be any.

    :param id: the field of a view that is its marker.
    """
    answer: dict[str, Any] = {name: views}
    if len(views) == query.limit:
        params = {**req.params, "limit": str(query.limit), "marker": views[-1][id]}
        link = f"{req.prefix}{req.path}{falcon.to_query_str(params)}"
        answer[f"{name}_links"] = [{"rel": "next", "href": link}]
    return answer
