# SPDX-License-Identifier: Apache-2.0
"""What Protector asks of the cloud of its own site.

A cloud is seen through one of two pairs of eyes: the service user's (:class:`ServiceCloud`),
for what a tenant may not read, and a tenant's (:class:`TenantCloud`), for everything that is made.
Calls run side by side with a bound, are awaited by listing, and have a time limit. Whatever is
made bears a key; making it again under the same key finds what is there. A request whose answer
was lost may be carried out after the look that did not find it: among several things with one key
the oldest that is well is the one, and whoever sees the others removes them.

Everything may raise :class:`protector.errors.CloudUnavailable`; what changes something may have
been done then, and is asked for again.
"""

import abc
import dataclasses
import ipaddress
from collections.abc import Callable, Iterable, Mapping, Sequence

from protector.domain.document import FixedAddress, Member

# The name of the server metadata that holds the key a server was made under.
KEY = "protector_key"

# The name of the metadata of a volume that stands by; the value is the group's id.
STANDBY = "protector_standby"

# Nova's statuses of a server that does not run, and by no reboot of its host will.
OFF = frozenset({"SHUTOFF", "SUSPENDED", "SHELVED", "SHELVED_OFFLOADED", "SOFT_DELETED", "DELETED"})


@dataclasses.dataclass(frozen=True)
class VolumeFacts:
    """What decides whether a volume can be protected. ``pool`` is host@backend#pool."""

    id: str
    name: str
    type_id: str
    type_name: str
    pool: str
    array: str | None
    multiattach: bool
    encrypted: bool


@dataclasses.dataclass(frozen=True)
class ServerFacts:
    """A server as it is: what the document needs of it, and what decides."""

    member: Member
    boots_from_image: bool
    volumes: Sequence[VolumeFacts]


@dataclasses.dataclass(frozen=True)
class Glance:
    """What a look by list shows of a server.

    ``status`` is Nova's (ACTIVE, SHUTOFF, ...). ``fingerprint`` is another one whenever something
    has changed that :class:`ServerFacts` tells of the server, its ports or its volumes.
    """

    id: str
    name: str
    status: str
    fingerprint: str


@dataclasses.dataclass(frozen=True)
class VolumeType:
    id: str
    name: str
    backend: str | None


@dataclasses.dataclass(frozen=True)
class Subnet:
    id: str
    cidr: str

    def holds(self, address: FixedAddress) -> bool:
        return ipaddress.ip_address(address.ip_address) in ipaddress.ip_network(self.cidr)


@dataclasses.dataclass(frozen=True)
class Network:
    id: str
    name: str
    subnets: Sequence[Subnet]


@dataclasses.dataclass(frozen=True)
class Named:
    """A flavor, security group or server group: found by id or by name."""

    id: str
    name: str


@dataclasses.dataclass(frozen=True)
class TargetFlavor(Named):
    vcpus: int
    ram_mb: int


@dataclasses.dataclass(frozen=True)
class Inventory:
    """What the tenant's project can use on this site, read once per operation."""

    networks: Sequence[Network]
    flavors: Sequence[TargetFlavor]
    security_groups: Sequence[Named]
    server_groups: Sequence[Named]
    keypairs: Sequence[str]
    availability_zones: Sequence[str]


@dataclasses.dataclass(frozen=True)
class Quota:
    """``used``: what is reserved is among it."""

    limit: int
    used: int

    @property
    def left(self) -> int:
        return max(0, self.limit - self.used)


@dataclasses.dataclass(frozen=True)
class Quotas:
    """What the project may have, by the names that ``openstack quota set`` has for it.

    Nova's instances, cores and ram (MiB), Neutron's ports, Cinder's volumes and gigabytes, these
    also of a volume type: ``volumes_<type>``. What has no limit is not among them. ``unread``:
    service -> why it did not tell.
    """

    limited: Mapping[str, Quota]
    unread: Mapping[str, str]


@dataclasses.dataclass(frozen=True)
class UsedPort:
    """A port that is there, of whichever project.

    ``made_for``: the key of the server it was made for by Protector. ``attached``: to a server.
    """

    id: str
    network_id: str
    mac_address: str
    addresses: Sequence[str]
    made_for: str | None
    attached: bool


@dataclasses.dataclass(frozen=True)
class VolumeRequest:
    """A volume of the array to be managed by Cinder."""

    key: str
    array_volume: str
    name: str
    bootable: bool
    metadata: Mapping[str, str]


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What became of one thing asked for among several: its id, or the sentence why not.

    ``passing``: the fault may be gone when it is asked for again. ``seconds``: how long it took,
    where that is known.
    """

    key: str
    id: str | None
    fault: str | None = None
    passing: bool = False
    seconds: float | None = dataclasses.field(default=None, compare=False)


@dataclasses.dataclass(frozen=True)
class StandingBy:
    """What is marked in a project: ids of locked servers -> why they are, where that is said, and
    ids of volumes -> id of the group that they stand by for.
    """

    servers: Mapping[str, str]
    volumes: Mapping[str, str]


@dataclasses.dataclass(frozen=True)
class NetworkRequest:
    """A network with no way out, for a test.

    ``subnets``: CIDR -> the addresses of it that will be asked for, so nothing else gets them.
    """

    key: str
    name: str
    subnets: Mapping[str, Sequence[str]]


@dataclasses.dataclass(frozen=True)
class PortRequest:
    """``fixed_addresses``: (subnet id, address); empty = let Neutron choose.

    ``mac_address`` None: let Neutron choose. ``security_groups``: ids. ``reuse``: id of a port that
    is taken in place of a new one, if it is there and no server has it.
    """

    key: str
    name: str
    network_id: str
    mac_address: str | None
    fixed_addresses: Sequence[tuple[str, str]]
    security_groups: Sequence[str]
    port_security: bool
    reuse: str | None = None


@dataclasses.dataclass(frozen=True)
class BlockDevice:
    volume_id: str
    boot_index: int | None
    device: str
    delete_on_termination: bool


@dataclasses.dataclass(frozen=True)
class ServerRequest:
    """A server to be made again; all ids are this site's. ``server_group``: id.

    ``alone_since``: the moment (:func:`time.monotonic`) since when nobody, the caller included, has
    asked for anything under the key; None: nobody knows.
    """

    key: str
    name: str
    description: str | None
    flavor_id: str
    ports: Sequence[PortRequest]
    volumes: Sequence[BlockDevice]
    key_name: str | None
    metadata: Mapping[str, str]
    tags: Sequence[str]
    availability_zone: str | None
    server_group: str | None
    user_data: str | None
    config_drive: bool
    alone_since: float | None = None


@dataclasses.dataclass(frozen=True)
class Server:
    """A server that was made: ``notes`` are sentences on what could not be kept."""

    id: str
    name: str
    status: str
    port_ids: Sequence[str]
    notes: Sequence[str]


class ServiceCloud(abc.ABC):
    """The cloud as the service user sees it: reads, and the few things no tenant may do."""

    @abc.abstractmethod
    def check(self) -> dict[str, str | None]:
        """Return service name -> None if it answers, or the sentence why not."""

    @abc.abstractmethod
    def describe_server(self, project_id: str, server: str) -> ServerFacts:
        """Read everything about a server of the project, given by id or name.

        :raises ServerNotFound: the project has none; also for another project's.
        :raises InvalidRequest: several servers have that name.
        """

    @abc.abstractmethod
    def look(self, project_id: str) -> dict[str, Glance]:
        """Return server id -> what can be seen of it at a glance, of all the project's servers.

        A listing of each service, however many servers there are.
        """

    @abc.abstractmethod
    def stop_servers(self, server_ids: Sequence[str]) -> list[Outcome]:
        """Stop these servers and wait until they are off; one outcome each (key: its id), in order.

        Nova asks the guest to shut down, and powers it off when it has not in time: that is
        ``os_shutdown_timeout`` of its image, or ``[DEFAULT] shutdown_timeout`` of nova.conf.

        ``id`` is the server's, when it is off now; else ``fault`` says why not. One that was off
        before, or is gone, is off; one that is being started is stopped when it runs.
        """

    @abc.abstractmethod
    def start_servers(self, server_ids: Sequence[str]) -> list[Outcome]:
        """Start these servers and wait until they are ACTIVE; outcomes as in :meth:`stop_servers`.

        One that runs already is left as it is.
        """

    @abc.abstractmethod
    def standing_by(self, project_id: str) -> StandingBy:
        """Return what of the project is locked or marked."""

    @abc.abstractmethod
    def stand_by(
        self, servers: Iterable[str], volumes: Iterable[str], *, group_id: str, reason: str
    ) -> None:
        """Lock the servers, and mark the volumes with the group's id.

        A server that somebody has locked stays locked for that reason. What is gone is no error.

        :param reason: of which Nova keeps 255 characters.
        """

    @abc.abstractmethod
    def stand_down(self, servers: Iterable[str], volumes: Iterable[str]) -> None:
        """Take lock and mark away. What has none, or is gone, is no error."""

    @abc.abstractmethod
    def change_volume_group(
        self, group_id: str, *, add: Iterable[str] = (), remove: Iterable[str] = ()
    ) -> None:
        """Do as :meth:`TenantCloud.change_volume_group`, with a group of any project."""

    # -- removing what Protector made, whosever it is -----------------------------------------

    @abc.abstractmethod
    def delete_server(self, server_id: str, *, project_id: str) -> None:
        """Delete a server of the project's, and wait; its volumes and its own ports stay.

        None is no error.
        """

    @abc.abstractmethod
    def volume_group(self, key: str) -> str | None:
        """Return the id of the consistency group made under the key, of any project."""

    @abc.abstractmethod
    def delete_volume_group(self, *, key: str) -> None:
        """Do as :meth:`TenantCloud.delete_volume_group`, with a group of any project."""

    # -- what the cloud is like ---------------------------------------------------------------

    @abc.abstractmethod
    def volume_types(self, replication_type: str) -> list[VolumeType]:
        """Return the volume types whose properties say that they replicate this way."""

    @abc.abstractmethod
    def consistent_group_type(self) -> str:
        """Return the id of a group type for replicated volumes, snapshots of which are consistent.

        One is made where none is.
        """

    @abc.abstractmethod
    def pool_for(self, volume_type: VolumeType) -> str:
        """Return the pool (host@backend#pool) that serves the type.

        :raises CloudError: none does.
        """

    @abc.abstractmethod
    def landing_type(self, volume_type: VolumeType) -> VolumeType:
        """Return the type under which a copy is brought under Cinder before it is mirrored.

        It does not replicate, and is served by the pool that serves ``volume_type``. Managed under
        the mirrored type itself, the copy would be lost to Cinder when the other array is dead.

        :raises NoVolumeType: there is none.
        :raises CloudError: no pool serves ``volume_type``.
        """

    @abc.abstractmethod
    def ports(self, network_ids: Iterable[str]) -> list[UsedPort]:
        """Return the ports on these networks, of all projects."""

    @abc.abstractmethod
    def drop_trust(self, trust_id: str) -> None:
        """Delete a trust. One that is gone is no error."""

    @abc.abstractmethod
    def trusts(self) -> list[str]:
        """Return the ids of the trusts by which the service user may act for others."""


class TenantCloud(abc.ABC):
    """The site's cloud as a tenant sees it, by the tenant's token or trust."""

    # -- protecting ---------------------------------------------------------------------------

    @abc.abstractmethod
    def create_volume_group(self, *, key: str, group_type_id: str, volume_type_id: str) -> str:
        """Return the id of the consistency group made under the key (its name)."""

    @abc.abstractmethod
    def change_volume_group(
        self, group_id: str, *, add: Iterable[str] = (), remove: Iterable[str] = ()
    ) -> None:
        """Add and remove volumes, and wait until it is done. What is so already is left."""

    @abc.abstractmethod
    def delete_volume_group(self, *, key: str) -> None:
        """Delete the group made under the key, keeping its volumes. None is no error."""

    # -- recovering ---------------------------------------------------------------------------

    @abc.abstractmethod
    def inventory(self) -> Inventory: ...

    @abc.abstractmethod
    def quotas(self) -> Quotas:
        """Return what the project may have; a service that does not tell is named."""

    @abc.abstractmethod
    def must_manage_volumes(self, volume_type_id: str) -> None:
        """Return if Cinder lets the tenant manage volumes: tried, and nothing is made.

        :raises CloudRefused: the tenant may not.
        :raises CloudError: Cinder does not say.
        """

    @abc.abstractmethod
    def manage_volumes(
        self,
        requests: Sequence[VolumeRequest],
        *,
        pool: str,
        volume_type_id: str,
        reclaim: Callable[[str], None],
        managed: Callable[[Sequence[Outcome]], None] = lambda outcomes: None,
    ) -> list[Outcome]:
        """Bring volumes of the array under Cinder; one outcome per request, in order.

        A volume already managed under its key is that outcome.

        :param reclaim: called with a key before Cinder is asked to manage its volume, and before
            one that Cinder could not manage is taken from it: lets the array's volume bear the
            name asked for, which Cinder changes early. May raise StorageError.
        :param managed: called with the outcomes of some volumes whenever they have been managed,
            while Cinder is still at the others.
        :raises CloudRefused: the tenant may not manage volumes at all.
        """

    @abc.abstractmethod
    def unmanage_volumes(self, keys: Sequence[str]) -> list[Outcome]:
        """Give volumes managed under these keys back to the array (id: the volume that was)."""

    @abc.abstractmethod
    def remove_volumes(self, volumes: Mapping[str, str | None]) -> list[Outcome]:
        """Delete volumes, on the array too, and wait; one outcome each, in order.

        What is there no more is no error. ``fault`` says why one stays, and what helps.

        :param volumes: key under which it was managed -> its id, where that is known.
        """

    @abc.abstractmethod
    def retype_volumes(self, volume_ids: Sequence[str], *, volume_type_id: str) -> list[Outcome]:
        """Give volumes another type, where they are; one outcome each (key: its id), in order.

        ``id`` is the volume's, when it has the type now; else ``fault`` says why not. One that has
        it already is left alone, and one that Cinder is retyping is waited for. It need not be
        detached, but must be in no consistency group.
        """

    @abc.abstractmethod
    def make_isolated_network(self, request: NetworkRequest) -> Network:
        """Make a network of these subnets that no router is on, or find it under its key."""

    @abc.abstractmethod
    def remove_isolated_network(self, key: str) -> None:
        """Remove the network made under the key. None is no error.

        :raises CloudError: something else is on it by now; the reason names it, and what helps.
        """

    @abc.abstractmethod
    def recreate_server(self, request: ServerRequest) -> Server:
        """Make the ports and the server, and wait until it is ACTIVE.

        A fixed or MAC address the network refuses is given up with a note; anything else is not.
        A port that an earlier attempt left is used again, once it is as asked for now.

        :raises VolumesNotAttached: the server went to ERROR over its volumes.
        :raises CloudUnavailable: also when it did since Nova's services did not hear of each other.
        :raises CloudError: with Nova's or Neutron's reason. What was made stays, under its key.
        """

    @abc.abstractmethod
    def addresses(self, server_id: str) -> list[str]:
        """Return the fixed addresses that a server has now."""

    @abc.abstractmethod
    def remove_server(self, key: str, *, keep_ports: bool = False) -> None:
        """Delete the server and the ports made under the key, and wait. None is no error.

        Its volumes stay, also those that were to end with it. With ``keep_ports`` the ports do
        too, for another attempt.
        """


class Cloud(abc.ABC):
    """The way in to this site's cloud."""

    site: str

    @abc.abstractmethod
    def as_service(self) -> ServiceCloud: ...

    @abc.abstractmethod
    def by_token(self, token: str, project_id: str) -> TenantCloud:
        """Act with the caller's own token, for what lasts no longer than a request."""

    @abc.abstractmethod
    def by_trust(self, trust_id: str) -> TenantCloud:
        """Act with a trust of the tenant's, for what outlives a token."""

    @abc.abstractmethod
    def of_project(self, project_id: str) -> TenantCloud:
        """Act in a tenant's project as the service user.

        For the removal of what Protector has made there, by its key: also when the tenant who lent
        a trust for it has left.
        """

    @abc.abstractmethod
    def take_trust(self, token: str, *, user_id: str, project_id: str, roles: Sequence[str]) -> str:
        """Let the caller's roles on the project be used by the service user; return the trust."""
