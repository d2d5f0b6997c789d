# SPDX-License-Identifier: Apache-2.0
"""Servers read whole, and read again only when a look by list shows that they have changed."""

import concurrent.futures
import contextlib
import logging
from collections.abc import Iterator, Sequence, Set
from typing import NamedTuple

from protector import errors
from protector.cloud.base import ServerFacts
from protector.engine.work import Equipment

LOG = logging.getLogger(__name__)


class Silence:
    """Nothing is concluded when cloud or array do not answer; it is logged when it is news."""

    def __init__(self) -> None:
        self._told: dict[str, str] = {}

    @contextlib.contextmanager
    def of(self, subject: str) -> Iterator[None]:
        try:
            yield
        except (errors.CloudError, errors.StorageError) as error:
            if self._told.get(subject) != error.text:
                LOG.warning("%s: looked at again later. %s", subject, error.text)
            self._told[subject] = error.text
        else:
            self._told.pop(subject, None)


class Read(NamedTuple):
    """A server as it was read when a look showed this fingerprint of it.

    Both None: the look did not show it, and it was deleted. Nobody has to ask for it again, as long
    as it is not shown.
    """

    fingerprint: str | None
    facts: ServerFacts | None


class Reader:
    def __init__(self, equipment: Equipment, silence: Silence) -> None:
        self._equipment = equipment
        self._silence = silence
        self._read: dict[str, Read] = {}

    def read(self, project_id: str, server_ids: Set[str]) -> dict[str, ServerFacts | None]:
        """Return what these servers of the project are; None: one was deleted.

        One of which no service would tell is not among them.

        :raises CloudError: the project cannot be looked at at all.
        """
        glances = self._equipment.cloud.as_service().look(project_id)
        shown = {id: glance.fingerprint for id, glance in glances.items()}
        seen: dict[str, ServerFacts | None] = {
            id: self._read[id].facts
            for id in server_ids & self._read.keys()
            if shown.get(id) == self._read[id].fingerprint
        }
        changed = sorted(server_ids - seen.keys())
        for id, facts in self._describe(project_id, changed).items():
            if facts is None and id in shown:
                continue  # it went away between the two questions, which the next look tells
            seen[id] = facts
            if (facts is None) == (id not in shown):
                self._read[id] = Read(shown.get(id), facts)
        return seen

    def forget_others(self, server_ids: Set[str]) -> None:
        self._read = {id: read for id, read in self._read.items() if id in server_ids}

    def _describe(
        self, project_id: str, server_ids: Sequence[str]
    ) -> dict[str, ServerFacts | None]:
        cloud = self._equipment.cloud.as_service()
        found: dict[str, ServerFacts | None] = {}

        def describe(id: str) -> None:
            with self._silence.of(f"Server {id}"):
                try:
                    found[id] = cloud.describe_server(project_id, id)
                except errors.ServerNotFound:
                    found[id] = None

        with concurrent.futures.ThreadPoolExecutor(
            self._equipment.conf.engine.parallel_vms
        ) as executor:
            list(executor.map(describe, server_ids))
        return found
