# SPDX-License-Identifier: Apache-2.0
"""A client of services' APIs: one token, and a connection that stays open."""

import concurrent.futures
import dataclasses
import time
from collections.abc import Mapping

import requests

# Seconds.
PATIENCE = 120


@dataclasses.dataclass(frozen=True)
class Get:
    """A request that is made again and again, with the token in its headers."""

    url: str
    headers: Mapping[str, str]

    def ask(self, session: requests.Session) -> requests.Response:
        answer = session.get(self.url, headers=dict(self.headers), timeout=PATIENCE)
        answer.raise_for_status()
        return answer


def burst(get: Get, sessions: list[requests.Session], times: int) -> tuple[list[float], float]:
    """Ask so many times in each session, all at once; return seconds of each, and of all."""

    def ask(session: requests.Session) -> list[float]:
        taken = []
        for _ in range(times):
            began = time.perf_counter()
            get.ask(session)
            taken.append(time.perf_counter() - began)
        return taken

    began = time.perf_counter()
    with concurrent.futures.ThreadPoolExecutor(len(sessions)) as pool:
        answers = list(pool.map(ask, sessions))
    return [seconds for answer in answers for seconds in answer], time.perf_counter() - began
