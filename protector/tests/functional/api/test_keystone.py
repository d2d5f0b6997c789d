# SPDX-License-Identifier: Apache-2.0
"""Whom the API lets in, and how one site's Protector signs in to the other: over real sockets."""

import pathlib
import socket
from collections.abc import Iterator

import pytest
import requests
from functional.api.keystone import Keystone, Served
from functional.api.world import Site
from keystoneauth1 import loading

from protector import access, errors, rpc
from protector.api.app import make_app
from protector.api.services import Services
from protector.api.wsgi import KEYSTONE_TIMEOUT, by_keystone, pipeline
from protector.db import sites
from protector.sync.http import HttpPeer, Peers


@pytest.fixture
def keystone() -> Iterator[Keystone]:
    keystone = Keystone()
    yield keystone
    keystone.close()


@pytest.fixture
def api(tmp_path: pathlib.Path, keystone: Keystone) -> Iterator[Served]:
    """site-b's API, as it is served, which asks Keystone about tokens."""
    site = Site("site-b", tmp_path)
    section = tmp_path / "keystone.conf"
    section.write_text(
        "[keystone_authtoken]\n"
        f"auth_type = v3password\nauth_url = {keystone.url}\n"
        f"www_authenticate_uri = {keystone.url}\n"
        "username = protector\npassword = s3cret\nproject_name = service\n"
        "user_domain_name = Default\nproject_domain_name = Default\n"
        "service_token_roles_required = true\n"
    )
    site.conf(["--config-file", str(tmp_path / "site-b.conf"), "--config-file", str(section)])
    loading.register_auth_conf_options(site.conf, "keystone_authtoken")
    services = Services(
        conf=site.conf,
        sessions=site.sessions,
        enforcer=access.make_enforcer(site.conf),
        engine=rpc.EngineClient(site.conf, site.transport),
        cloud=site.cloud,
        keys=site.keys,
    )
    served = Served(pipeline(by_keystone(make_app(services), site.conf)))
    keystone.endpoint = served.url
    yield served
    served.close()


@pytest.fixture
def site_a(tmp_path: pathlib.Path) -> Site:
    return Site("site-a", tmp_path)


def register(site: Site, auth_url: str, **values: str) -> HttpPeer:
    """Have site-a know the other, and return its way there."""
    given = {"username": "protector", "project_name": "service", "secret": "s3cret", **values}
    given["secret"] = site.keys.encrypt(given["secret"])
    with site.sessions.begin() as session:
        sites.create(session, name="site-b", auth_url=auth_url, **given)
    site.conf.set_override("connect_timeout", 0.3, group="peer")
    site.conf.set_override("timeout", 0.3, group="peer")
    return Peers(site.conf, site.sessions, site.keys)("site-b")


def test_a_token_that_keystone_knows_is_let_in(api: Served) -> None:
    url = f"{api.url}/v1/alice-project/protection-groups"
    answer = requests.get(url, headers={"X-Auth-Token": "alice"}, timeout=10)
    assert answer.json() == {"protection_groups": []}


def test_a_token_of_another_site_is_told_where_it_is(api: Served) -> None:
    url = f"{api.url}/v1/alice-project/protection-groups"
    answer = requests.get(url, headers={"X-Auth-Token": "of-site-a"}, timeout=10)
    assert answer.status_code == 401
    assert answer.json()["error"]["code"] == "protector.unauthorized"
    assert answer.headers["WWW-Authenticate"].startswith("Keystone uri=")


def test_keystone_is_not_waited_for_without_end(site_a: Site) -> None:
    by_keystone(lambda *_: [], site_a.conf)
    assert site_a.conf.keystone_authtoken.http_connect_timeout == KEYSTONE_TIMEOUT


def test_what_a_client_claims_to_be_is_not_believed(api: Served) -> None:
    url = f"{api.url}/v1/admin/sites"
    claims = {"X-Identity-Status": "Confirmed", "X-Roles": "admin", "X-User-Id": "eve"}
    assert requests.get(url, headers=claims, timeout=10).status_code == 401
    assert (
        requests.get(url, headers={**claims, "X-Auth-Token": "alice"}, timeout=10).status_code
        == 403
    )


def test_a_site_signs_in_to_the_other_and_is_let_in(
    site_a: Site, api: Served, keystone: Keystone
) -> None:
    peer = register(site_a, keystone.url.removesuffix("/v3"), region_name="b")
    assert peer.introduce().name == "site-b"
    assert peer.version("pg-1") is None
    assert keystone.signed_in.count("protector") == 2  # the API's own, and one for both questions


def test_a_changed_registration_signs_in_anew(
    site_a: Site, api: Served, keystone: Keystone
) -> None:
    register(site_a, keystone.url).introduce()
    peers = Peers(site_a.conf, site_a.sessions, site_a.keys)
    before = peers("site-b")
    assert peers("site-b") is before
    with site_a.sessions.begin() as session:
        secret = site_a.keys.encrypt("changed")
        sites.change(session, sites.get(session, "site-b"), secret=secret)
    assert peers("site-b") is not before


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"secret": "wrong"}, "does not accept the credentials registered for it"),
        ({"region_name": "elsewhere"}, "has no endpoint of Protector that is public"),
    ],
)
def test_a_peer_that_cannot_be_used_says_what_to_correct(
    site_a: Site, api: Served, keystone: Keystone, values: dict[str, str], sentence: str
) -> None:
    peer = register(site_a, keystone.url, **values)
    with pytest.raises(errors.PeerRefused, match=sentence):
        peer.introduce()


def test_another_protector_than_expected_is_not_taken_for_the_peer(
    site_a: Site, api: Served, keystone: Keystone
) -> None:
    peer = register(site_a, keystone.url)
    peer.site = "site-c"
    with pytest.raises(errors.PeerRefused, match="calls itself site-b"):
        peer.introduce()


def test_nobody_there_is_a_connection_refused(site_a: Site) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}/v3"
        with pytest.raises(errors.PeerUnreachable) as refused:
            register(site_a, url).introduce()
    assert refused.value.kwargs["reason"] == "Connection refused"


def test_somebody_who_does_not_answer_is_a_connection_timeout(site_a: Site) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/v3"
        with pytest.raises(errors.PeerUnreachable) as refused:
            register(site_a, url).introduce()
    assert refused.value.kwargs["reason"] == "Connection timeout"


@pytest.mark.parametrize(
    ("status", "body", "sentence"),
    [
        ("502 Bad Gateway", b"<html>", "it answered 502 Bad Gateway"),
        ("200 OK", b"<html>", "what answers there is not Protector"),
        ("200 OK", b"{}", "what answers there is not Protector"),
        ("204 No Content", b"", "what answers there is not Protector"),
    ],
)
def test_a_proxy_that_answers_for_the_peer_is_not_the_peer(
    site_a: Site, keystone: Keystone, status: str, body: bytes, sentence: str
) -> None:
    def broken(environ: object, start_response: object) -> list[bytes]:
        start_response(status, [("Content-Type", "text/html")])  # type: ignore[operator]
        return [body]

    proxy = Served(broken)
    keystone.endpoint = proxy.url
    try:
        with pytest.raises(errors.PeerUnreachable, match=sentence):
            register(site_a, keystone.url).introduce()
    finally:
        proxy.close()


def test_without_credentials_nobody_signs_in(site_a: Site, keystone: Keystone) -> None:
    with site_a.sessions.begin() as session:
        sites.create(session, name="site-b", auth_url=keystone.url)
    with pytest.raises(errors.PeerRefused, match="site-a has no credentials for it"):
        Peers(site_a.conf, site_a.sessions, site_a.keys)("site-b")
    assert keystone.signed_in == []
