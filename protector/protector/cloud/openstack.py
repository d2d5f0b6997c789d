# SPDX-License-Identifier: Apache-2.0
"""The way in to an OpenStack cloud.

All that Protector asks of a cloud goes through one pool of connections, at most
``parallel_requests`` to each service, and each request has a time limit.
"""

import concurrent.futures
import dataclasses
import datetime
import secrets
import threading
import weakref
from collections.abc import Mapping, Sequence
from typing import Any

import openstack.connection
import openstack.exceptions
import requests.adapters
from keystoneauth1 import access, identity, loading, plugin
from keystoneauth1 import session as ks_session
from oslo_config import cfg

from protector.cloud.asking import ANSWERS, SIGN_IN, asking, passes
from protector.cloud.base import Cloud
from protector.cloud.patience import HARMLESS, Patience
from protector.cloud.service import OpenStackServiceCloud
from protector.cloud.tenant import OpenStackTenantCloud
from protector.cloud.waiting import Limits

# A trust that nobody dropped, since no engine ever took its operation up, ends by itself.
TRUST_LASTS = datetime.timedelta(days=1)
# Seconds, and attempts to find a second in which no other ends.
TRUST_SPREAD = 3600
TRUST_TRIES = 3

# Options of [service_auth] that say who the service user is, and in which project.
USER = ("user_id", "username", "user_domain_id", "user_domain_name", "password")
PROJECT = ("project_id", "project_name", "project_domain_id", "project_domain_name")


@dataclasses.dataclass(frozen=True)
class Credentials:
    """Of Protector's service user on this site; ``user`` and ``project`` as keystoneauth's."""

    auth_url: str
    user: Mapping[str, str | None] = dataclasses.field(repr=False)
    project: Mapping[str, str | None]


class GivenToken(identity.base.BaseIdentityPlugin):  # type: ignore[misc]
    """Act with a token exactly as it was given to us.

    keystoneauth's own token plugin asks for another token in exchange, which Keystone refuses for
    application credentials and trusts, and which operators may forbid.
    """

    def __init__(self, auth_url: str, token: str) -> None:
        super().__init__(auth_url=auth_url, reauthenticate=False)
        self._token = token

    def get_auth_ref(self, session: ks_session.Session) -> access.AccessInfo:
        answer = session.get(
            f"{self.auth_url}/auth/tokens",
            headers={"X-Auth-Token": self._token, "X-Subject-Token": self._token},
            authenticated=False,
            log=False,
        )
        return access.create(resp=answer, auth_token=self._token)

    def get_cache_id_elements(self) -> dict[str, str | None]:
        return {"auth_url": self.auth_url, "token": self._token}


class OpenStackCloud(Cloud):
    def __init__(
        self,
        site: str,
        *,
        credentials: Credentials,
        region_name: str | None,
        timeout: float,
        call_budget: float,
        limits: Limits,
    ) -> None:
        self.site = site
        self._credentials = credentials
        self._region_name = region_name
        self._timeout = timeout
        self._limits = limits
        at_once = limits.parallel_requests
        self._executor = concurrent.futures.ThreadPoolExecutor(at_once, "cloud")
        self._http = pool(at_once, call_budget, signs_in_at=f"{self._auth_url}{SIGN_IN}")
        self._discovered: dict[str, object] = {}
        self._service = self._connect(self._password())
        # Threads that work for the same tenant share one cloud, hence its lists and its token.
        self._tenants: weakref.WeakValueDictionary[str, OpenStackTenantCloud]
        self._tenants = weakref.WeakValueDictionary()
        self._lock = threading.Lock()

    @classmethod
    def from_conf(cls, conf: cfg.ConfigOpts) -> "OpenStackCloud":
        loading.load_auth_from_conf_options(conf, "service_auth")  # registers what is read below
        auth, options = conf.service_auth, conf.cloud
        return cls(
            conf.site_name,
            credentials=Credentials(
                auth_url=auth.auth_url,
                user={name: auth[name] for name in USER},
                project={name: auth[name] for name in PROJECT},
            ),
            region_name=options.region_name,
            timeout=options.timeout,
            call_budget=options.call_budget,
            limits=Limits(
                options.server_timeout,
                options.shutdown_timeout,
                options.volume_timeout,
                options.poll_interval,
                options.parallel_requests,
            ),
        )

    def as_service(self) -> OpenStackServiceCloud:
        return OpenStackServiceCloud(self.site, self._service, self._executor, self._limits)

    def by_token(self, token: str, project_id: str) -> OpenStackTenantCloud:
        return self._tenant(GivenToken(self._auth_url, token))

    def by_trust(self, trust_id: str) -> OpenStackTenantCloud:
        with self._lock:
            tenant = self._tenants.get(trust_id)
            if tenant is None:
                tenant = self._tenant(self._password(trust_id))
                self._tenants[trust_id] = tenant
            return tenant

    def of_project(self, project_id: str) -> OpenStackTenantCloud:
        return OpenStackTenantCloud(
            self.site,
            self._service,
            self._service,
            self._executor,
            self._limits,
            project_id=project_id,
        )

    def take_trust(self, token: str, *, user_id: str, project_id: str, roles: Sequence[str]) -> str:
        with asking(self.site, "Keystone", "give Protector a trust"):
            terms = {
                "trustor_user_id": user_id,
                "trustee_user_id": self._service.current_user_id,
                "project_id": project_id,
                "roles": [{"name": role} for role in roles],
                "is_impersonation": True,
            }
            tenant = self._connect(GivenToken(self._auth_url, token))
            for _ in range(TRUST_TRIES - 1):
                if trust_id := self._taken(tenant, terms):
                    return trust_id
            trust = tenant.identity.create_trust(**terms, expires_at=_expiry())
            return str(trust.id)

    # -- inside -------------------------------------------------------------------------------

    def _taken(self, tenant: openstack.connection.Connection, terms: dict[str, Any]) -> str | None:
        """Make a trust, and find it if the answer is lost: its terms and its end are its key.

        Keystone keeps whole seconds of the end, and refuses a second one of the same terms that
        expires in the same second, as those of groups that fail over together would; so each lasts
        a little longer or shorter.
        """
        expiry = _expiry()
        try:
            return str(tenant.identity.create_trust(**terms, expires_at=expiry).id)
        except openstack.exceptions.ConflictException:
            return None
        except ANSWERS as error:
            if not passes(error):
                raise
        there = self._service.identity.trusts(trustee_user_id=terms["trustee_user_id"])
        ours = (expiry, terms["trustor_user_id"], terms["project_id"])
        return next(
            (
                str(trust.id)
                for trust in there
                if (trust.expires_at, trust.trustor_user_id, trust.project_id) == ours
            ),
            None,
        )

    @property
    def _auth_url(self) -> str:
        return self._credentials.auth_url.rstrip("/").removesuffix("/v3") + "/v3"

    def _password(self, trust_id: str | None = None) -> identity.V3Password:
        own = self._credentials
        scope = {"trust_id": trust_id} if trust_id else own.project
        return identity.V3Password(auth_url=self._auth_url, **own.user, **scope)

    def _connect(self, auth: plugin.BaseAuthPlugin) -> openstack.connection.Connection:
        session = ks_session.Session(
            auth=auth,
            session=self._http,
            timeout=self._timeout,
            discovery_cache=self._discovered,
        )
        # A service that does not say which microversions it has would be asked in its oldest words,
        # and refuse, or understand something else.
        return openstack.connection.Connection(
            session=session,
            region_name=self._region_name,
            app_name="protector",
            strict_proxies=True,
        )

    def _tenant(self, auth: plugin.BaseAuthPlugin) -> OpenStackTenantCloud:
        return OpenStackTenantCloud(
            self.site, self._connect(auth), self._service, self._executor, self._limits
        )


def _expiry() -> str:
    lasts = TRUST_LASTS + datetime.timedelta(seconds=secrets.randbelow(TRUST_SPREAD))
    return f"{datetime.datetime.now(datetime.UTC) + lasts:%FT%T}.000000Z"


def pool(size: int, budget: float, *, signs_in_at: str) -> requests.Session:
    """Return an HTTP session with at most so many connections to a service at a time.

    Requests that may be repeated are, for ``budget`` seconds; also signing in, which changes
    nothing.
    """
    session = requests.Session()
    patience = {
        "http://": Patience(budget),
        "https://": Patience(budget),
        signs_in_at: Patience(budget, allowed_methods={*HARMLESS, "POST"}),
    }
    for prefix, retries in patience.items():
        adapter = requests.adapters.HTTPAdapter(
            pool_maxsize=size, pool_block=True, max_retries=retries
        )
        session.mount(prefix, adapter)
    return session
