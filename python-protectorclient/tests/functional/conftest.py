# SPDX-License-Identifier: Apache-2.0
"""An API that answers as Protector's does, as much as the client sees of it."""

import json
import uuid
from typing import Any

import pytest
from werkzeug import exceptions, routing
from werkzeug.wrappers import Request, Response

from protectorclient.osc import progress

STARTED = "2025-06-15T03:42:11Z"
COMPLETED = "2025-06-15T03:49:38Z"

# What an operation says each time it is asked: its progress, and the steps ended since.
COURSE = [
    (15, ["validate_target_site", "create_dr_operation_record"]),
    (
        45,
        [
            "identify_latest_snapshot",
            "promote_volumes_from_snapshot",
            "manage_volumes_into_cinder",
        ],
    ),
    (75, ["recreate_vm_web-server-1", "recreate_vm_web-server-2"]),
    (100, ["finalization"]),
]
PHASES = ["preparation", "storage_failover", "instance_recreation", "finalization"]


PLAN = {
    "phases": [
        {"name": phase, "steps": steps} for phase, (_, steps) in zip(PHASES, COURSE, strict=True)
    ],
    "vms": [
        {
            "name": "web-server-1",
            "server_id": "vm-1",
            "flavor": "m1.xlarge",
            "ports": [
                {
                    "network": "dr-web",
                    "addresses": ["10.10.0.11"],
                    "mac_address": "fa:16:3e:00:00:01",
                },
                {"network": "dr-db", "addresses": [], "mac_address": None},
            ],
            "volumes": ["web-server-1-0", "web-server-1-1"],
        }
    ],
    "snapshot": {"name": "cg.6", "created": STARTED, "rpo_seconds": 42},
    "estimate": {"seconds": 97, "basis": "assumed, 30 seconds for a VM"},
}


BEGUN = {
    "status": "running",
    "progress": 5,
    "started_at": STARTED,
    "completed_at": None,
    "error_message": None,
    "created_at": STARTED,
    "retry_of": None,
    "cancel": None,
}


class Refusal(exceptions.HTTPException):
    """An error as the API words it."""

    def __init__(self, status: int, code: str, message: str, **details: Any) -> None:
        body = {"error": {"code": code, "message": message, "details": details}}
        super().__init__(response=Response(json.dumps(body), status, mimetype="application/json"))


class Json(Response):
    def __init__(self, body: Any, status: int = 200) -> None:
        super().__init__(json.dumps(body), status, mimetype="application/json")


class Api:
    """Answers as Protector's API does, from a few dicts."""

    URLS = routing.Map(
        [
            routing.Rule("/", endpoint="versions"),
            routing.Rule("/v1", endpoint="versions"),
            routing.Rule("/v1/admin/sites", endpoint="list_sites"),
            routing.Rule("/v1/admin/sites/<name>", endpoint="site"),
            routing.Rule("/v1/admin/sites/<name>/validate", endpoint="validate"),
            routing.Rule("/v1/admin/sites/<name>/volume-types", endpoint="volume_types"),
            routing.Rule("/v1/admin/tenant-mappings", endpoint="tenant_mappings"),
            routing.Rule("/v1/admin/tenant-mappings/<id>", endpoint="tenant_mapping"),
            routing.Rule("/v1/<project>/protection-groups", endpoint="groups"),
            routing.Rule("/v1/<project>/protection-groups/<id>", endpoint="group"),
            routing.Rule("/v1/<project>/protection-groups/<id>/members", endpoint="members"),
            routing.Rule(
                "/v1/<project>/protection-groups/<id>/members/<server>", endpoint="member"
            ),
            routing.Rule("/v1/<project>/protection-groups/<id>/policy", endpoint="policy"),
            routing.Rule(
                "/v1/<project>/protection-groups/<id>/consistency-group", endpoint="consistency"
            ),
            routing.Rule("/v1/<project>/protection-groups/<id>/documents", endpoint="documents"),
            routing.Rule(
                "/v1/<project>/protection-groups/<id>/documents/<checksum>", endpoint="document"
            ),
            routing.Rule(
                "/v1/<project>/protection-groups/<id>/documents/<checksum>/differences",
                endpoint="differences",
            ),
            routing.Rule("/v1/<project>/protection-groups/<id>/sync-status", endpoint="sync"),
            routing.Rule("/v1/<project>/protection-groups/<id>/readiness", endpoint="ready"),
            routing.Rule("/v1/<project>/protection-groups/<id>/action", endpoint="action"),
            routing.Rule("/v1/<project>/operations", endpoint="list_operations"),
            routing.Rule("/v1/<project>/operations/<id>", endpoint="show_operation"),
            routing.Rule("/v1/<project>/operations/<id>/action", endpoint="act_on_operation"),
        ]
    )

    def __init__(self, site: str) -> None:
        self.name = site
        self.sites: dict[str, dict[str, Any]] = {}
        self.passwords: dict[str, str] = {}
        self.pairs: dict[str, dict[str, Any]] = {}
        self.protection_groups: dict[str, dict[str, Any]] = {}
        self.servers: dict[str, dict[str, Any]] = {}
        self.operations: dict[str, dict[str, Any]] = {}
        self.asked: list[dict[str, Any]] = []
        self.kept: list[dict[str, Any]] = []
        self.remote: dict[str, Any] = {}
        self.actions: list[str] | None = None
        self.overwritten: dict[str, Any] | None = None
        self.right_site: str | None = None
        self.not_reprotected_at: Api | None = None
        self.peer_error: str | None = None
        self.fault: str | None = None
        self.findings: list[dict[str, Any]] = []

    def __call__(self, environ: Any, start_response: Any) -> Any:
        try:
            endpoint, values = self.URLS.bind_to_environ(environ).match()
            answer = getattr(self, endpoint)(Request(environ), **values)
        except exceptions.HTTPException as refusal:
            answer = refusal.get_response(environ)
        return answer(environ, start_response)

    # -- finding -------------------------------------------------------------------------------

    def versions(self, request: Request) -> Response:
        version = {
            "id": "v1.0",
            "status": "CURRENT",
            "version": "1.0",
            "min_version": "1.0",
            "links": [{"rel": "self", "href": f"{request.host_url}v1"}],
        }
        return Json({"version": version} if request.path == "/v1" else {"versions": [version]})

    # -- sites and tenants -----------------------------------------------------------------------

    def list_sites(self, request: Request) -> Response:
        if request.method == "GET":
            return Json({"sites": list(self.sites.values())})
        attrs = request.get_json()["site"]
        site = {"id": str(uuid.uuid4()), "name": attrs["name"], "status": "registered"}
        self._keep(site | {"local": attrs["name"] == self.name}, attrs)
        return Json({"site": self.sites[attrs["name"]]}, 201)

    def _site(self, name: str) -> dict[str, Any]:
        if name not in self.sites:
            raise Refusal(
                404,
                "protector.site.not_found",
                f"No site {name} is registered. See: openstack protector site list",
            )
        return self.sites[name]

    def site(self, request: Request, name: str) -> Response:
        site = self._site(name)
        if request.method == "DELETE":
            del self.sites[name]
            return Response(status=204)
        if request.method == "PATCH":
            self._keep(site, request.get_json()["site"])
        return Json({"site": self.sites[name]})

    def _keep(self, site: dict[str, Any], attrs: dict[str, Any]) -> None:
        if "password" in attrs:
            self.passwords[site["name"]] = attrs.pop("password")
        self.sites[site["name"]] = site | attrs

    def validate(self, request: Request, name: str) -> Response:
        self._site(name)["status"] = "active"
        checks = [{"name": "keystone", "result": "ok"}, {"name": "protector", "result": "ok"}]
        return Json({"validation": {"status": "active", "checks": checks}})

    def volume_types(self, request: Request, name: str) -> Response:
        if name != self.name:
            raise Refusal(409, "protector.wrong_site", f"Only {name} knows that. Ask {name}.")
        type = {"id": "t1", "name": "replicated", "backend": "site-a@flasharray"}
        return Json({"volume_types": [type | {"replication_type": "async"}]})

    def tenant_mappings(self, request: Request) -> Response:
        if request.method == "GET":
            return Json({"tenant_mappings": list(self.pairs.values())})
        mapping = {"id": "tm1", "created_at": STARTED} | request.get_json()["tenant_mapping"]
        self.pairs["tm1"] = mapping
        return Json({"tenant_mapping": mapping}, 201)

    def tenant_mapping(self, request: Request, id: str) -> Response:
        if request.method == "DELETE":
            del self.pairs[id]
            return Response(status=204)
        return Json({"tenant_mapping": self.pairs[id]})

    # -- protection groups -----------------------------------------------------------------------

    def groups(self, request: Request, project: str) -> Response:
        if request.method == "GET":
            wanted = {k: v for k, v in request.args.items() if k in ("name", "status")}
            assert set(request.args) <= {"name", "status", "limit", "marker"}
            found = [g for g in self.protection_groups.values() if wanted.items() <= g.items()]
            return Json({"protection_groups": found})
        group = self.create(project, **request.get_json()["protection_group"])
        return Json({"protection_group": group}, 201)

    def create(self, project: str, **attrs: Any) -> dict[str, Any]:
        attrs.pop("volume_type", None)
        group = {
            "id": f"pg-{uuid.uuid4()}",
            "name": "",
            "description": "",
            "project_id": project,
            "status": "active",
            "status_reason": None,
            "current_primary_site": attrs["primary_site"],
            "failover_count": 0,
            "last_failover_at": None,
            "remote_sync_status": "SYNCED",
            "replication_type": "async",
            "epoch": 0,
            "version": 1,
            "rpo_minutes": 15,
            "replication_interval": 300,
            "network_mapping": {},
            "flavor_mapping": {},
            "members": [],
            "fencing": "stop",
            "fenced": [],
            "drift": [],
            "created_at": "2025-06-01T00:00:00Z",
            "updated_at": "2025-06-01T00:00:00Z",
            **attrs,
        }
        self.protection_groups[group["id"]] = group
        return group

    def _group(self, id: str) -> dict[str, Any]:
        if id not in self.protection_groups:
            raise Refusal(404, "protector.group.not_found", f"No protection group {id}.")
        return self.protection_groups[id]

    def group(self, request: Request, project: str, id: str) -> Response:
        assert not request.args
        group = self._group(id)
        if request.method == "DELETE":
            del self.protection_groups[id]
            return Response(status=204)
        if request.method == "PATCH":
            group.update(request.get_json()["protection_group"])
        return Json({"protection_group": group})

    def members(self, request: Request, project: str, id: str) -> Response:
        group = self._group(id)
        if request.method == "GET":
            views = [self.servers[member["name"]] for member in group["members"]]
            return Json({"members": views})
        wishes = request.get_json()["member"]
        name = wishes.pop("server")
        if name not in self.servers:
            raise Refusal(
                404,
                "protector.server.not_found",
                f"No server {name} in your project on site-a. See: openstack server list",
            )
        group["members"].append({"server_id": self.servers[name]["server_id"], "name": name})
        self.servers[name] |= {"boot_priority": 3, "criticality": "critical", "wait_port": None}
        self.servers[name] |= wishes
        return Json({"member": self.servers[name]}, 201)

    def member(self, request: Request, project: str, id: str, server: str) -> Response:
        group = self._group(id)
        if request.method == "PATCH":
            (view,) = [one for one in self.servers.values() if one["server_id"] == server]
            view.update(request.get_json()["member"])
            return Json({"member": view})
        group["members"] = [m for m in group["members"] if m["server_id"] != server]
        return Response(status=204)

    def policy(self, request: Request, project: str, id: str) -> Response:
        group = self._group(id)
        return Json({"policy": {k: group[k] for k in ("rpo_minutes", "replication_interval")}})

    def consistency(self, request: Request, project: str, id: str) -> Response:
        self._group(id)
        point = {
            "name": "cg.7",
            "created": STARTED,
            "complete": False,
            "progress": 0.4,
            "volumes": 3,
        }
        seen_by_the_target = {
            "protection_group": "prod-web-app",
            "role": "target",
            "array": "flasharray-b",
            "source_array": "flasharray-a",
            "latest_complete_snapshot": "cg.6",
            "rpo_seconds": 42,
            "snapshots": [point, point | {"name": "cg.6", "complete": True, "progress": 1.0}],
        }
        return Json({"consistency_group": seen_by_the_target})

    def documents(self, request: Request, project: str, id: str) -> Response:
        assert not request.args
        self._group(id)
        heads = [{k: v for k, v in kept.items() if k != "document"} for kept in self.kept]
        return Json({"documents": heads})

    def document(self, request: Request, project: str, id: str, checksum: str) -> Response:
        (kept,) = [kept for kept in self.kept if kept["checksum"] == checksum]
        shown = ("document", "checksum", "epoch", "version", "standing")
        return Json({field: kept[field] for field in shown})

    def differences(self, request: Request, project: str, id: str, checksum: str) -> Response:
        """Only the descriptions can differ."""
        said = {kept["checksum"]: kept["document"]["description"] for kept in self.kept}
        before, after = said[request.args["from"]], said[checksum]
        changes = [{"what": "description", "before": before, "after": after}]
        return Json({"differences": changes if before != after else []})

    def sync(self, request: Request, project: str, id: str) -> Response:
        group = self._group(id)
        synced = group["remote_sync_status"] == "SYNCED"
        status = {
            "group_id": id,
            "name": group["name"],
            "status": group["remote_sync_status"],
            "in_sync": synced,
            "local": {
                "version": group["version"],
                "epoch": group["epoch"],
                "site": group["current_primary_site"],
                "modified_at": group["updated_at"],
            },
            "remote": {
                "site": group["primary_site"],
                "status": group["remote_sync_status"],
                "version": group["version"] if synced else group["version"] - 1,
                "epoch": group["epoch"],
                "last_sync": "2025-06-15T03:42:00Z",
                "error": None if synced else "Connection timeout",
                **self.remote,
            },
            "actions": []
            if synced
            else ["Check remote site connectivity", "Force sync once remote site is available"],
        }
        if self.actions is not None:
            status["actions"] = self.actions
        return Json({"sync_status": status})

    def ready(self, request: Request, project: str, id: str) -> Response:
        self._group(id)
        return Json({"readiness": self._readiness()})

    def _readiness(self) -> dict[str, Any]:
        severities = {finding["severity"] for finding in self.findings}
        return {"ready": "error" not in severities, "findings": self.findings, "plan": PLAN}

    # -- actions and operations --------------------------------------------------------------

    def action(self, request: Request, project: str, id: str) -> Response:
        group = self._group(id)
        (verb, arguments), *_ = request.get_json().items()
        self.asked.append({verb: arguments})
        return getattr(self, f"act_{verb}")(group, arguments)

    def act_failover(self, group: dict[str, Any], arguments: dict[str, Any]) -> Response:
        assert arguments["force"] is True
        if self.right_site:
            raise Refusal(
                409,
                "protector.group.wrong_site",
                f"A failover of protection group {group['name']} is done on {self.right_site};"
                f" this is {self.name}. Go there: export OS_CLOUD={self.right_site}",
                right_site=self.right_site,
            )
        if arguments.get("dry_run"):
            return Json({"readiness": self._readiness()})
        group["status"] = "failing_over"
        operation = {
            "operation_id": f"op-{uuid.uuid4()}",
            "operation_type": "failover",
            "status": "running",
            "progress": 5,
            "source_site": group["primary_site"],
            "target_site": self.name,
            "steps_completed": [],
            "steps_failed": [],
            "started_at": STARTED,
            "completed_at": None,
            "error_message": None,
            "group_id": group["id"],
            "steps": [],
            "created_at": STARTED,
            "retry_of": None,
            "cancel": None,
        }
        self.operations[operation["operation_id"]] = operation
        return Json({"operation": operation}, 202)

    def act_reprotect(self, group: dict[str, Any], arguments: dict[str, Any]) -> Response:
        self.not_reprotected_at = None
        return self._begun(group, "reprotect")

    def act_failback(self, group: dict[str, Any], arguments: dict[str, Any]) -> Response:
        there = self.not_reprotected_at
        if there and not there.reprotected:
            raise Refusal(
                409,
                "protector.group.not_reprotected",
                f"Protection group {group['name']} runs on {there.name}. Protect it first.",
                right_site=there.name,
            )
        if arguments.get("dry_run"):
            return Json({"readiness": self._readiness()})
        return self._begun(group, "failback")

    @property
    def reprotected(self) -> bool:
        return any(
            one["operation_type"] == "reprotect" and one["status"] == "completed"
            for one in self.operations.values()
        )

    def _begun(self, group: dict[str, Any], kind: str) -> Response:
        operation = {
            **BEGUN,
            "operation_id": f"op-{uuid.uuid4()}",
            "operation_type": kind,
            "source_site": group["secondary_site"],
            "target_site": self.name,
            "group_id": group["id"],
            "steps_completed": [],
            "steps_failed": [],
            "steps": [],
        }
        self.operations[operation["operation_id"]] = operation
        return Json({"operation": operation}, 202)

    def act_sync_force(self, group: dict[str, Any], arguments: dict[str, Any]) -> Response:
        peer = group["primary_site"]
        if self.peer_error:
            raise Refusal(
                503,
                "protector.peer.unreachable",
                f"{peer} cannot be reached from {self.name}: {self.peer_error}.",
                peer_site=peer,
                reason=self.peer_error,
            )
        group["remote_sync_status"] = "SYNCED"
        if self.overwritten:
            group["version"] = max(group["version"], self.overwritten["version"]) + 1
        pulled = arguments.get("force_direction") == "primary-to-secondary"
        sync = {
            "peer_site": peer,
            "source_site": peer if pulled else self.name,
            "overwritten": self.overwritten,
            "status": "success",
            "version": group["version"],
            "checksum": "9f86d081",
            "duration_ms": 312,
        }
        return Json({"sync": sync})

    def act_reset_state(self, group: dict[str, Any], arguments: dict[str, Any]) -> Response:
        group["status"] = arguments["status"]
        return Json({"protection_group": group})

    def act_on_operation(self, request: Request, project: str, id: str) -> Response:
        operation = self.operations[id]
        (verb, arguments), *_ = request.get_json().items()
        self.asked.append({verb: arguments})
        if verb == "cancel":
            operation["cancel"] = "keep" if arguments["keep"] else "undo"
            return Json({"operation": operation}, 202)
        again = {**operation, "operation_id": "op-2", "status": "queued", "retry_of": id}
        self.operations["op-2"] = again
        return Json({"operation": again}, 202)

    def list_operations(self, request: Request, project: str) -> Response:
        wanted = {k: v for k, v in request.args.items() if k in ("group_id", "status")}
        found = [o for o in self.operations.values() if wanted.items() <= o.items()]
        return Json({"operations": found})

    def show_operation(self, request: Request, project: str, id: str) -> Response:
        """Go on by one phase, then tell."""
        if id not in self.operations:
            raise Refusal(404, "protector.operation.not_found", f"No operation {id} on this site.")
        operation = self.operations[id]
        if operation["status"] == "running":
            self._advance(operation)
        return Json({"operation": operation})

    def _advance(self, operation: dict[str, Any]) -> None:
        done = [step["name"] for step in operation["steps"] if step["status"] == "completed"]
        ended = next(n for n, (_, steps) in enumerate(COURSE) if steps[0] not in done)
        operation["progress"] = COURSE[ended][0]
        operation["steps_completed"] = [s for _, steps in COURSE[: ended + 1] for s in steps]
        operation["steps"] = [
            {"name": step, "phase": phase, "status": "completed", "detail": "As it should be."}
            for phase, (_, steps) in zip(PHASES[: ended + 1], COURSE, strict=False)
            for step in steps
        ]
        if operation["progress"] == 100:
            self._complete(operation)
        elif operation["progress"] == 75 and self.fault:
            self._fail(operation, self.fault)
        else:
            operation["steps"].append(
                {"name": COURSE[ended + 1][1][0], "phase": PHASES[ended + 1], "status": "running"}
            )

    def _fail(self, operation: dict[str, Any], fault: str) -> None:
        failed = operation["steps_completed"].pop()
        operation["steps"][-1] |= {"status": "failed", "detail": fault}
        operation |= {"status": "failed", "error_message": fault, "steps_failed": [failed]}

    def _complete(self, operation: dict[str, Any]) -> None:
        operation |= {"status": "completed", "completed_at": COMPLETED}
        self.protection_groups[operation["group_id"]] |= {
            "status": "failed_over",
            "current_primary_site": self.name,
            "failover_count": 1,
            "last_failover_at": COMPLETED,
            "updated_at": COMPLETED,
            "remote_sync_status": "UNREACHABLE",
            "version": 4,
        }


@pytest.fixture
def make_api() -> type[Api]:
    return Api


@pytest.fixture(autouse=True)
def no_long_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "POLL_SECONDS", 0.01)
