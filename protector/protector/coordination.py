# SPDX-License-Identifier: Apache-2.0
"""Which engines of the site are alive: each shows that it is, and sees the others."""

import contextlib
import threading
import urllib.parse
from collections.abc import Iterator

import tooz
from oslo_config import cfg
from tooz import coordination

from protector import errors

GROUP = b"protector-engines"
# By what name a back-end knows how long a member may be silent.
EXPIRY = {"file": "timeout"}
OTHERS_EXPIRY = "membership_timeout"
# Seconds to wait for its answer.
TIMEOUT = 5


class Members:
    """The group of the site's engines, seen by one of them or by a visitor.

    :param name: by which an engine joins; after a restart it is the same member.
    """

    def __init__(self, conf: cfg.ConfigOpts, name: str) -> None:
        self._site: str = conf.site_name
        self._name = name.encode()
        self._url = _with_expiry(conf.coordination.backend_url, conf.coordination.member_expiry)
        self._coordinator: coordination.CoordinationDriver | None = None
        self._lock = threading.Lock()
        self._joined = False

    def join(self) -> None:
        """Be a member, and show it from now on; may be called again to see to it.

        :raises CoordinationUnreachable: the back-end does not answer.
        """
        if not self._joined or self._name not in self._alive():
            with self._asking() as coordinator:
                # What its old self has left is not kept alive by the heart of this one.
                with contextlib.suppress(coordination.MemberNotJoined):
                    coordinator.leave_group(GROUP).get(TIMEOUT)
                coordinator.join_group(GROUP).get(TIMEOUT)
                coordinator.heart.start()
                self._joined = True

    def alive(self) -> set[str]:
        """Return the names of the members.

        :raises CoordinationUnreachable: the back-end does not answer.
        """
        return {name.decode() for name in self._alive()}

    def leave(self) -> None:
        """Be no member any more; what nobody hears expires."""
        unheard = (errors.CoordinationUnreachable, coordination.MemberNotJoined)
        with contextlib.suppress(*unheard), self._asking() as coordinator:
            coordinator.leave_group(GROUP).get(TIMEOUT)
            coordinator.stop()

    # -- inside -------------------------------------------------------------------------------

    def _alive(self) -> set[bytes]:
        with self._asking() as coordinator:
            members: set[bytes] = coordinator.get_members(GROUP).get(TIMEOUT)
        return members

    @contextlib.contextmanager
    def _asking(self) -> Iterator[coordination.CoordinationDriver]:
        with self._lock:
            try:
                if self._coordinator is None:
                    self._coordinator = self._started()
                yield self._coordinator
            except (coordination.MemberAlreadyExist, coordination.MemberNotJoined):
                raise
            except (tooz.ToozError, OSError) as error:
                raise errors.CoordinationUnreachable(site=self._site, reason=str(error)) from None

    def _started(self) -> coordination.CoordinationDriver:
        coordinator = coordination.get_coordinator(self._url, self._name)
        coordinator.start()
        with contextlib.suppress(coordination.GroupAlreadyExist):
            coordinator.create_group(GROUP).get(TIMEOUT)
        return coordinator


def _with_expiry(url: str, seconds: int) -> str:
    parts = urllib.parse.urlsplit(url)
    query = dict(urllib.parse.parse_qsl(parts.query))
    query.setdefault(EXPIRY.get(parts.scheme, OTHERS_EXPIRY), str(seconds))
    return urllib.parse.urlunsplit(parts._replace(query=urllib.parse.urlencode(query)))
