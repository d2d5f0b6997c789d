# SPDX-License-Identifier: Apache-2.0
"""One array as its clients see it: sessions, routes, answers, and the faults among them."""

import json
import logging
import re
import secrets
import threading
import time
from typing import Any

from flasharray_simulator.errors import Refusal
from flasharray_simulator.faults import Fault, Faults
from flasharray_simulator.journal import Journal
from flasharray_simulator.listener import Request, Response
from flasharray_simulator.rest.asking import (
    Ask,
    check_body,
    check_query,
    parse_body,
    parse_query,
)
from flasharray_simulator.rest.routes import ROUTES, SINCE, VERSIONS
from flasharray_simulator.settings import ArraySettings
from flasharray_simulator.store import Store

LOG = logging.getLogger(__name__)
PATH = re.compile(r"/api/(?P<version>\d+\.\d+)/(?P<resource>[\w/-]+?)/?")
SESSION = "x-auth-token"


class Frontend:
    def __init__(
        self, settings: ArraySettings, store: Store, faults: Faults, journal: Journal
    ) -> None:
        self._settings = settings
        self._store = store
        self._faults = faults
        self._journal = journal
        self._sessions: set[str] = set()
        self._lock = threading.Lock()

    def expire_sessions(self) -> None:
        with self._lock:
            self._sessions.clear()

    def __call__(self, request: Request) -> Response:
        """Answer, and write it down: the status is that of what was done, if anything was."""
        name, agent = self._settings.name, _agent(request)
        fault = self._faults.striking(name, request.method, request.path, agent)
        struck = self._strike(fault) if fault and not fault.after else None
        done = None if struck else self._carry_out(request)
        if fault and fault.after:
            struck = self._strike(fault)
        self._record(request, done, fault)
        response = struck or done
        assert response
        return response

    def _strike(self, fault: Fault) -> Response | None:
        """Return what the fault answers instead, or nothing if it only takes its time."""
        if fault.action == "delay":
            time.sleep(fault.seconds)
            return None
        if fault.action == "answer":
            again = {} if fault.retry_after is None else {"Retry-After": str(fault.retry_after)}
            return _refusal(Refusal(fault.error, status=fault.status), again)
        if fault.action == "hang":
            fault.cleared.wait()
        return Response(dropped=True, reset=fault.action == "reset")

    def _carry_out(self, request: Request) -> Response:
        echo = {"X-Request-ID": request.headers.get("x-request-id", "")}
        try:
            response = self._dispatch(request)
        except Refusal as refusal:
            response = _refusal(refusal)
        return Response(response.status, response.body, {**response.headers, **echo})

    def _dispatch(self, request: Request) -> Response:
        if request.path == "/api/api_version":
            return _json({"version": VERSIONS})
        match = PATH.fullmatch(request.path)
        if not match or match["version"] not in VERSIONS:
            raise Refusal("There is no such version or path.", request.path, status=404)
        resource, version = match["resource"], VERSIONS.index(match["version"])
        if version < VERSIONS.index(SINCE.get(resource, VERSIONS[0])):
            raise Refusal("This version does not have this resource.", resource, status=404)
        if resource == "login":
            return self._log_in(request)
        token = request.headers.get(SESSION)
        with self._lock:
            if token not in self._sessions:
                raise Refusal("Log in first: the session is unknown or has expired.", status=401)
            if resource == "logout":
                self._sessions.discard(token)
                return Response()
        return self._ask(request, resource)

    def _log_in(self, request: Request) -> Response:
        token = request.headers.get("api-token", "")
        if not secrets.compare_digest(token.encode(), self._settings.api_token.encode()):
            raise Refusal("The API token is invalid.", status=401)
        session = secrets.token_urlsafe(24)
        with self._lock:
            self._sessions.add(session)
        answer = _json({"items": [{"username": "pureuser"}]})
        return Response(answer.status, answer.body, {**answer.headers, SESSION: session})

    def _ask(self, request: Request, resource: str) -> Response:
        if resource not in ROUTES:
            LOG.warning("%s %s is not simulated", request.method, request.path)
            raise Refusal("This resource is not simulated.", resource, status=404)
        route = ROUTES[resource].get(request.method)
        if not route:
            LOG.warning("%s %s is not simulated", request.method, request.path)
            raise Refusal(f"{request.method} is not simulated here.", resource, status=405)
        query, body = parse_query(request.query), parse_body(request.body)
        check_query(query, route.parameters)
        check_body(body, route.shape)
        with self._store.transaction() as world:
            answer = route.handler(Ask(self._settings.name, world, query, body))
        return Response() if answer is None else _json(answer)

    def _record(self, request: Request, done: Response | None, fault: Fault | None) -> None:
        try:
            query, body = parse_query(request.query), parse_body(request.body)
        except Refusal:
            query, body = {}, None
        self._journal.add(
            time=self._store.now(),
            array=self._settings.name,
            agent=_agent(request),
            method=request.method,
            path=request.path,
            query=query,
            body=body,
            status=done and done.status,
            fault=fault and fault.action,
        )


def _agent(request: Request) -> str:
    """Return what program the client says it is."""
    return request.headers.get("user-agent", "")


def _json(answer: Any, status: int = 200) -> Response:
    return Response(status, json.dumps(answer).encode(), {"Content-Type": "application/json"})


def _refusal(refusal: Refusal, headers: dict[str, str] | None = None) -> Response:
    """Purity names errors in a list, but the SDK reads some statuses' from the top."""
    error = {"message": refusal.message} | ({"context": refusal.context} if refusal.context else {})
    answer = _json({"errors": [error], "message": refusal.message}, refusal.status)
    return Response(answer.status, answer.body, {**answer.headers, **(headers or {})})
