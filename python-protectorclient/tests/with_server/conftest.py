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


@pytest.fixture
def registered(openstack, tmp_path):
    password = tmp_path / "password"
    password.write_text("secret\n")
    for here in ("site-a", "site-b"):
        for site in ("site-a", "site-b"):
            peer = f"--username protector --project-name service --password-file {password}"
            ran = openstack(
                f"protector site create {site} --auth-url http://192.0.2.1:5000/v3",
                peer if site != here else "",
                cloud=here,
            )
            assert ran.code == 0, ran.err


@pytest.fixture
def protected(openstack, world, registered):
    """A group of two VMs on site-a, in version 3, with one complete snapshot on site-b."""
    created = openstack(
        "protector protection-group create prod-web-app --primary-site site-a",
        "--secondary-site site-b -f json",
        cloud="site-a",
    )
    world.group_id = created.json["id"]
    for name in ("web-server-1", "web-server-2"):
        world.a.cloud.add_server("project-a", name, networks=["web"], volumes=2)
        added = openstack(
            f"protector protection-group member add prod-web-app {name} -f json", cloud="site-a"
        )
        assert added.json["status"] == "protected"
    world.take_point()
