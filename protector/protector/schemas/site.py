# SPDX-License-Identifier: Apache-2.0
import re
from typing import Annotated, Any

import pydantic

from protector.schemas.common import Body, SiteName, Text, stamp


def _url(value: str) -> str:
    if not re.fullmatch(r"https?://\S+", value):
        raise ValueError("it is no URL of a Keystone, such as http://keystone.example.com:5000/v3")
    return value


Url = Annotated[Text, pydantic.AfterValidator(_url)]


class SiteChange(Body):
    """What is not given stays; null takes away what a site may lack."""

    description: Text = ""
    auth_url: Url = ""
    region_name: Text | None = None
    username: Text | None = None
    password: pydantic.SecretStr | None = None
    project_name: Text | None = None
    user_domain_name: Text | None = None
    project_domain_name: Text | None = None


class SiteCreate(SiteChange):
    name: SiteName
    auth_url: Url


class SiteCreateBody(Body):
    site: SiteCreate


class SiteChangeBody(Body):
    site: SiteChange


def view(row: Any, *, local: bool) -> dict[str, Any]:
    return {
        "id": row.id,
        "name": row.name,
        "description": row.description,
        "local": local,
        "auth_url": row.auth_url,
        "region_name": row.region_name,
        "username": row.username,
        "project_name": row.project_name,
        "user_domain_name": row.user_domain_name,
        "project_domain_name": row.project_domain_name,
        "status": row.status,
        "validated_at": stamp(row.validated_at),
        "created_at": stamp(row.created_at),
        "updated_at": stamp(row.updated_at),
    }
