# SPDX-License-Identifier: Apache-2.0
"""The commands against both sites' real API and engine, on fake clouds and arrays."""

import pathlib
from collections.abc import Callable
from typing import Any

import pytest
from functional.engine.world import World
from oslo_messaging.rpc.dispatcher import ExpectedException

from protector.access import make_enforcer
from protector.api.app import make_app
from protector.api.services import Services
from protector.engine.conductor import Conductor
from protector.engine.service import Endpoint
from protector.keys import Keys
from protectorclient.osc import progress


class DirectEngine:
    """Calls the engine's methods where a message would."""

    def __init__(self, site: Any) -> None:
        conductor = Conductor(site.equipment, site.persistence)
        self._endpoint = Endpoint(site.equipment, site.edits, conductor)

    def __getattr__(self, method: str) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            try:
                return getattr(self._endpoint, method)(*args, **kwargs)
            except ExpectedException as wrapped:
                raise wrapped.exc_info[1] from None

        return call


class SignedIn:
    """Says of each request what Keystone's middleware would: it is alice's, of this project."""

    def __init__(self, app: Any, project_id: str) -> None:
        self._app = app
        self._headers = {
            "HTTP_X_IDENTITY_STATUS": "Confirmed",
            "HTTP_X_ROLES": "admin,member,reader",
            "HTTP_X_PROJECT_ID": project_id,
            "HTTP_X_USER_ID": "alice",
        }

    def __call__(self, environ: Any, start_response: Any) -> Any:
        return self._app({**environ, **self._headers}, start_response)


@pytest.fixture
def world(tmp_path: pathlib.Path) -> World:
    return World(tmp_path)


@pytest.fixture
def make_api(world: World, tmp_path: pathlib.Path) -> Callable[[str], Any]:
    def make(name: str) -> Any:
        site = {"site-a": world.a, "site-b": world.b}[name]
        keys = Keys(tmp_path / f"{name}.keys")
        keys.create()
        services = Services(
            conf=site.conf,
            sessions=site.sessions,
            enforcer=make_enforcer(site.conf),
            engine=DirectEngine(site),
            cloud=site.cloud,
            keys=keys,
        )
        return SignedIn(make_app(services), f"project-{name[-1]}")

    return make


@pytest.fixture(autouse=True)
def projects(sites: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "POLL_SECONDS", 0.05)
    for name, site in sites.items():
        site.keystone.project_id = f"project-{name[-1]}"
