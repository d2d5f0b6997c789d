# SPDX-License-Identifier: Apache-2.0
"""The peer over HTTP, signed in to the peer's Keystone as its own service user."""

import dataclasses
import threading
from collections.abc import Iterator, Mapping
from typing import Any

import pydantic
import requests
from keystoneauth1 import exceptions as keystone
from keystoneauth1.identity import v3
from keystoneauth1.session import Session
from oslo_config import cfg
from sqlalchemy.orm import Session as DatabaseSession
from sqlalchemy.orm import sessionmaker

from protector import errors
from protector.db import sites
from protector.db.models import Site
from protector.keys import Keys
from protector.sync.peer import Fate, HandOver, Peer, PeerSite, ReplicatedPoint, Standing, Version

SERVICE_TYPE = "site-recovery"
DEFAULT_DOMAIN = "Default"
STANDING = pydantic.TypeAdapter(Standing)
POINTS = pydantic.TypeAdapter(list[ReplicatedPoint])
HAND_OVER = pydantic.TypeAdapter(HandOver | None)
FATE = pydantic.TypeAdapter(Fate | None)
STANDINGS = pydantic.TypeAdapter(dict[str, Standing])
NO_CONTENT = 204
REPLICATED_GROUPS = "/v1/peer/replicated-groups"
SOMEBODY_ELSE = "what answers there is not Protector"
REGISTRATION = (
    "id",
    "auth_url",
    "region_name",
    "username",
    "secret",
    "project_name",
    "user_domain_name",
    "project_domain_name",
)


class HttpPeer(Peer):
    """:param here: this site's name, for what is told of the peer."""

    def __init__(
        self, site: str, session: Session, *, here: str, region_name: str | None = None
    ) -> None:
        self.site = site
        self._session = session
        self._here = here
        self._where = {
            "service_type": SERVICE_TYPE,
            "interface": "public",
            "region_name": region_name,
        }

    def introduce(self) -> PeerSite:
        told = self._ask("site", "GET", "/v1/peer/site")
        if told["name"] != self.site:
            raise errors.PeerRefused(
                peer_site=self.site,
                reason=f"the Protector found there calls itself {told['name']}. Check the site's"
                f" auth_url: openstack protector site show {self.site}",
            )
        # The first release did not say which schemas it understands: its own was the first.
        return PeerSite(told["name"], told["array"], told.get("newest_schema", 1))

    def standings(self, ours: Mapping[str, str]) -> dict[str, Standing]:
        body = {"site": self._here, "versions": dict(ours)}
        return STANDINGS.validate_python(
            self._ask("standings", "POST", "/v1/peer/standings", json=body)
        )

    def standing(self, group_id: str, checksum: str | None) -> Standing:
        query = {"yours": checksum} if checksum else {}
        path = f"/v1/peer/documents/{group_id}/standing"
        return STANDING.validate_python(self._ask("standing", "GET", path, params=query))

    def version(self, group_id: str) -> Version | None:
        told = self._ask("version", "GET", f"/v1/peer/documents/{group_id}")
        return told and Version(group_id, told["checksum"], told["document"])

    def prepare(self, version: Version, base: str | None) -> None:
        self._tell(
            "PUT",
            f"/v1/peer/documents/{version.group_id}/prepared",
            json={
                "document": version.body,
                "checksum": version.checksum,
                "overwrites": version.overwrites,
                "base": base,
            },
        )

    def commit(self, group_id: str, checksum: str) -> None:
        self._tell("POST", f"/v1/peer/documents/{group_id}/commit", json={"checksum": checksum})

    def withdraw(self, group_id: str, checksum: str) -> None:
        path = f"/v1/peer/documents/{group_id}/prepared"
        self._tell("DELETE", path, params={"checksum": checksum})

    def delete(self, group_id: str) -> None:
        self._tell("DELETE", f"/v1/peer/documents/{group_id}")

    def allow_replication(self, source_array: str, array_group: str) -> str:
        array: str = self._ask(
            "array",
            "POST",
            REPLICATED_GROUPS,
            json={"source_array": source_array, "array_group": array_group},
        )
        return array

    def replicated_points(self, source_array: str, array_group: str) -> list[ReplicatedPoint]:
        query = {"source_array": source_array, "array_group": array_group}
        return POINTS.validate_python(self._ask("points", "GET", REPLICATED_GROUPS, params=query))

    def copies_left(self, group_id: str) -> int:
        left: int = self._ask("left", "GET", f"/v1/peer/groups/{group_id}/copies")
        return left

    def hand_over(self, group_id: str, operation_id: str, checksum: str) -> None:
        self._tell("PUT", _hand_over(group_id, operation_id), json={"checksum": checksum})

    def hand_over_state(self, group_id: str, operation_id: str) -> HandOver | None:
        return HAND_OVER.validate_python(
            self._ask("hand_over", "GET", _hand_over(group_id, operation_id))
        )

    def hand_back(self, group_id: str, operation_id: str) -> None:
        self._tell("DELETE", _hand_over(group_id, operation_id))

    def fate(self, group_id: str, operation_id: str) -> Fate | None:
        path = f"/v1/peer/groups/{group_id}/operations/{operation_id}"
        return FATE.validate_python(self._ask("fate", "GET", path))

    # -- asking -------------------------------------------------------------------------------

    def _tell(self, method: str, path: str, **arguments: Any) -> None:
        if self._send(method, path, **arguments).status_code != NO_CONTENT:
            raise self._unreachable(SOMEBODY_ELSE)

    def _ask(self, what: str, method: str, path: str, **arguments: Any) -> Any:
        try:
            return self._send(method, path, **arguments).json()[what]
        except (ValueError, KeyError, TypeError):
            raise self._unreachable(SOMEBODY_ELSE) from None

    def _send(self, method: str, path: str, **arguments: Any) -> requests.Response:
        try:
            answer = self._session.request(
                path, method, endpoint_filter=self._where, raise_exc=False, **arguments
            )
        except keystone.Unauthorized:
            raise self._refused(
                "its Keystone does not accept the credentials registered for it. Correct them:"
                f" openstack protector site set {self.site}"
            ) from None
        except keystone.EndpointNotFound:
            raise self._refused(
                "its catalog has no endpoint of Protector that is public. Check there:"
                " openstack catalog show protector"
            ) from None
        except keystone.ClientException as error:
            raise self._unreachable(_reason(error)) from None
        if not answer.ok:
            raise self._fault(answer)
        found: requests.Response = answer
        return found

    def _fault(self, answer: requests.Response) -> errors.ProtectorError:
        try:
            told = answer.json()["error"]
            code, message, details = told["code"], told["message"], told["details"]
        except (ValueError, KeyError, TypeError):
            return self._unreachable(f"it answered {answer.status_code} {answer.reason}")
        if code == errors.DocumentConflict.code and "differences" in details:
            return errors.DocumentConflict(**details)
        return self._refused(message)

    def _refused(self, reason: str) -> errors.PeerRefused:
        return errors.PeerRefused(peer_site=self.site, reason=reason)

    def _unreachable(self, reason: str) -> errors.PeerUnreachable:
        return errors.PeerUnreachable(peer_site=self.site, site=self._here, reason=reason)


def _hand_over(group_id: str, operation_id: str) -> str:
    return f"/v1/peer/groups/{group_id}/hand-overs/{operation_id}"


class Peers:
    """Returns the peer of a name; one sign-in serves until the site's registration changes."""

    def __init__(
        self, conf: cfg.ConfigOpts, sessions: sessionmaker[DatabaseSession], keys: Keys
    ) -> None:
        self._here: str = conf.site_name
        self._timeouts = Timeouts(
            (conf.peer.connect_timeout, conf.peer.timeout),
            (conf.peer.push_timeout, conf.peer.push_timeout),
        )
        self._sessions = sessions
        self._keys = keys
        self._known: dict[tuple[object, ...], HttpPeer] = {}
        self._lock = threading.Lock()

    def __call__(self, name: str) -> HttpPeer:
        with self._sessions.begin() as session:
            row = sites.get(session, name)
        registration = tuple(getattr(row, field) for field in REGISTRATION)
        with self._lock:
            if registration not in self._known:
                self._known[registration] = self._sign_in(row)
            return self._known[registration]

    def _sign_in(self, row: Site) -> HttpPeer:
        if row.secret is None:
            raise errors.PeerRefused(
                peer_site=row.name,
                reason=f"{self._here} has no credentials for it. Give them:"
                f" openstack protector site set {row.name}",
            )
        auth = v3.Password(
            auth_url=row.auth_url.rstrip("/").removesuffix("/v3") + "/v3",
            username=row.username,
            password=self._keys.decrypt(row.secret),
            user_domain_name=row.user_domain_name or DEFAULT_DOMAIN,
            project_name=row.project_name,
            project_domain_name=row.project_domain_name or DEFAULT_DOMAIN,
        )
        session = Session(auth, session=timed(self._timeouts))
        return HttpPeer(row.name, session, here=self._here, region_name=row.region_name)


@dataclasses.dataclass(frozen=True)
class Timeouts:
    """Seconds to wait for a connection and for an answer: in general, and for what takes longer.

    That is a document, as what a connection may take, sending over it may take too; and what the
    peer's engine has to ask its array.
    """

    usual: tuple[float, float]
    long: tuple[float, float]

    def of(self, request: requests.PreparedRequest) -> tuple[float, float]:
        asks_array = (request.path_url or "").partition("?")[0].endswith(REPLICATED_GROUPS)
        return self.long if request.method == "PUT" or asks_array else self.usual


class _Timed(requests.adapters.HTTPAdapter):
    def __init__(self, timeouts: Timeouts) -> None:
        self._timeouts = timeouts
        super().__init__()

    def send(self, request: requests.PreparedRequest, **arguments: Any) -> requests.Response:  # type: ignore[override]
        return super().send(request, **{**arguments, "timeout": self._timeouts.of(request)})


def timed(timeouts: Timeouts) -> requests.Session:
    """Return a session whose every request has a time limit."""
    session = requests.Session()
    for scheme in ("http://", "https://"):
        session.mount(scheme, _Timed(timeouts))
    return session


def _reason(error: BaseException) -> str:
    """Say in two words why there was no answer."""
    if isinstance(error, keystone.ConnectTimeout):
        return "Connection timeout"
    if any(isinstance(cause, ConnectionRefusedError) for cause in _causes(error)):
        return "Connection refused"
    if isinstance(error, keystone.SSLError):
        return "its certificate is not trusted"
    if isinstance(error, keystone.ConnectionError):
        return "Connection failed"
    return f"its Keystone answered: {error}"


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
