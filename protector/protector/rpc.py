# SPDX-License-Identifier: Apache-2.0
"""How protector-api asks protector-engine of the same site.

Edits and look-ups are calls: the answer, or the error raised, is the caller's. An operation is a
row first; ``start_operation`` is only a nudge that an engine may miss (it sweeps for rows).
"""

import contextlib
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import oslo_messaging
from oslo_config import cfg
from oslo_context.context import RequestContext
from oslo_messaging._metrics import client as metrics
from oslo_messaging._tracing import client as tracing

from protector import errors
from protector.context import Context
from protector.domain.operation import Kind

TOPIC = "protector-engine"
REMOTE_ERRORS = ["protector.errors"]

# Seconds. An edit waits for Cinder, the array and the peer, each of which has its own limit.
EDIT_TIMEOUT = 120
LOOK_TIMEOUT = 60
NUDGE_TIMEOUT = 5
# What the library's own time limit may come late.
GRACE = 1
# Attempts to hand a message to a broker that does not take it.
RETRIES = 2
UNANSWERED = (oslo_messaging.MessagingTimeout, oslo_messaging.MessageDeliveryFailure, TimeoutError)


class ContextSerializer(oslo_messaging.NoOpSerializer):
    def serialize_context(self, context: RequestContext) -> dict[str, Any]:
        plain: dict[str, Any] = context.to_dict()
        return plain

    def deserialize_context(self, context: dict[str, Any]) -> Context:
        return Context.from_dict(context)


def transport(conf: cfg.ConfigOpts) -> oslo_messaging.Transport:
    # The library reads these of the configuration it is given, but registers them on cfg.CONF.
    for section, options in (
        ("oslo_messaging_tracing", tracing.oslo_messaging_tracing),
        ("oslo_messaging_metrics", metrics.oslo_messaging_metrics),
    ):
        conf.register_opts(options, group=section)
    return oslo_messaging.get_rpc_transport(conf, allowed_remote_exmods=REMOTE_ERRORS)


class EngineClient:
    """The engine's methods. All raise :class:`errors.EngineUnreachable` when none answers."""

    def __init__(self, conf: cfg.ConfigOpts, rpc_transport: oslo_messaging.Transport) -> None:
        self._site = conf.site_name
        # The library waits without end for a broker that was never there.
        self._threads = ThreadPoolExecutor(conf.api.threads, thread_name_prefix="rpc")
        self._client = oslo_messaging.get_rpc_client(
            rpc_transport,
            oslo_messaging.Target(topic=TOPIC, version="1.0"),
            serializer=ContextSerializer(),
            retry=RETRIES,
        )

    def _call(
        self, context: RequestContext, method: str, timeout: int = EDIT_TIMEOUT, **arguments: Any
    ) -> Any:
        ask = self._client.prepare(timeout=timeout).call
        answer = self._threads.submit(ask, context, method, **arguments)
        try:
            return answer.result(timeout + GRACE)
        except UNANSWERED:
            answer.cancel()
            raise errors.EngineUnreachable(site=self._site) from None

    # -- protection groups: each returns when both sites have the new version ----------------

    def create_group(self, context: RequestContext, group_id: str, request: dict[str, Any]) -> None:
        """Build what stands behind a group in status creating, and make it active.

        :param request: ``{"volume_type": id, name or None, "rpo_minutes", "replication_interval",
            "networks", "flavors", "fencing"}``
        """
        self._call(context, "create_group", group_id=group_id, request=request)

    def change_group(self, context: RequestContext, group_id: str, changes: dict[str, Any]) -> None:
        """Change what is given.

        :param changes: any of description, rpo_minutes, replication_interval, networks, flavors,
            fencing.
        """
        self._call(context, "change_group", group_id=group_id, changes=changes)

    def add_member(
        self, context: RequestContext, group_id: str, server: str, wishes: dict[str, Any]
    ) -> None:
        """:param wishes: any of boot_priority, criticality, wait_port."""
        self._call(context, "add_member", group_id=group_id, server=server, wishes=wishes)

    def change_member(
        self, context: RequestContext, group_id: str, server: str, wishes: dict[str, Any]
    ) -> None:
        """Change what is given of how a member is to be recovered, as in :meth:`add_member`."""
        self._call(context, "change_member", group_id=group_id, server=server, wishes=wishes)

    def remove_member(self, context: RequestContext, group_id: str, server: str) -> None:
        self._call(context, "remove_member", group_id=group_id, server=server)

    def release(self, context: RequestContext, group_id: str) -> None:
        """Let what stands by for the group on its other site go."""
        self._call(context, "release", group_id=group_id)

    def delete_group(self, context: RequestContext, group_id: str) -> None:
        self._call(context, "delete_group", group_id=group_id)

    def sync_force(
        self, context: RequestContext, group_id: str, direction: str | None
    ) -> dict[str, Any]:
        """Push the current document to the peer, or settle whose version holds.

        :param direction: one of :class:`protector.sync.force.Direction`; None: no conflict.
        :returns: ``{"peer_site", "source_site", "version", "checksum", "duration_ms",
            "overwritten": None or {"site", "epoch", "version", "checksum"}}``
        """
        result: dict[str, Any] = self._call(
            context, "sync_force", group_id=group_id, direction=direction
        )
        return result

    def consistency_group(self, context: RequestContext, group_id: str) -> dict[str, Any]:
        """Return what stands behind the group on this site (see engine/inspection.py)."""
        result: dict[str, Any] = self._call(
            context, "consistency_group", LOOK_TIMEOUT, group_id=group_id
        )
        return result

    def snapshots(self, context: RequestContext, group_id: str) -> list[dict[str, Any]]:
        """Return the points of the group on this site's array (see engine/inspection.py)."""
        result: list[dict[str, Any]] = self._call(
            context, "snapshots", LOOK_TIMEOUT, group_id=group_id
        )
        return result

    def check(
        self,
        context: RequestContext,
        group_id: str,
        arguments: dict[str, Any],
        *,
        kind: str = Kind.FAILOVER.value,
    ) -> dict[str, Any]:
        """Return whether the group can be recovered here (see engine/readiness.py).

        :param kind: failover, failback or test_failover.
        :param arguments: ``{"type", "networks", "flavors", "accept_stale_metadata", "snapshot",
            "before"}``, as the operation's.
        """
        result: dict[str, Any] = self._call(
            context, "check", LOOK_TIMEOUT, group_id=group_id, arguments=arguments, kind=kind
        )
        return result

    # -- operations ---------------------------------------------------------------------------

    def start_operation(self, context: RequestContext, operation_id: str) -> None:
        """Nudge: return when an engine has claimed the operation, or after a moment anyway."""
        with contextlib.suppress(errors.EngineUnreachable):  # then a sweep of any engine finds it
            self._call(context, "start_operation", NUDGE_TIMEOUT, operation_id=operation_id)

    # -- sites --------------------------------------------------------------------------------

    def validate_site(self, context: RequestContext, site: str) -> dict[str, Any]:
        """Return ``{"status": "active"|"unreachable", "checks": [{"name", "result"}, ...]}``."""
        result: dict[str, Any] = self._call(context, "validate_site", LOOK_TIMEOUT, site=site)
        return result

    def volume_types(self, context: RequestContext) -> list[dict[str, Any]]:
        """Return this site's replicated volume types: ``[{"id", "name", "backend"}, ...]``."""
        result: list[dict[str, Any]] = self._call(context, "volume_types", LOOK_TIMEOUT)
        return result

    def replicated_points(
        self, context: RequestContext, source_array: str, array_group: str
    ) -> list[dict[str, Any]]:
        """Return what this site's array holds of a group of the peer's, newest first.

        :returns: ``[{"name", "complete", "progress"}, ...]``
        """
        result: list[dict[str, Any]] = self._call(
            context,
            "replicated_points",
            LOOK_TIMEOUT,
            source_array=source_array,
            array_group=array_group,
        )
        return result

    def allow_replication(
        self, context: RequestContext, source_array: str, array_group: str
    ) -> str:
        """Let this site's array accept a group of the peer's array; return this array's name."""
        result: str = self._call(
            context,
            "allow_replication",
            LOOK_TIMEOUT,
            source_array=source_array,
            array_group=array_group,
        )
        return result
