# SPDX-License-Identifier: Apache-2.0
"""Which requests are sent again, and for how long.

Only what certainly was not carried out, or changes nothing when it is carried out twice. What
became of any other request whose answer is lost is found out by whoever sent it.
"""

import contextlib
import time
from types import TracebackType
from typing import Any, Self

from urllib3.connectionpool import ConnectionPool
from urllib3.exceptions import InvalidHeader, MaxRetryError, SSLError
from urllib3.response import BaseHTTPResponse
from urllib3.util import Retry

HARMLESS = frozenset({"GET", "HEAD"})
TOO_MANY = 429
STATUSES = frozenset({TOO_MANY, 500, 502, 503, 504})

# Seconds: how long a wait between two requests is at first, about, and at most.
FIRST_WAIT, LONGEST_WAIT = 0.2, 5.0


class Patience(Retry):
    """Ends ``budget`` seconds after the first fault, whatever the service asks us to wait."""

    def __init__(self, budget: float, until: float | None = None, **options: Any) -> None:
        defaults = {
            "total": None,
            "redirect": 0,
            "allowed_methods": HARMLESS,
            "status_forcelist": STATUSES,
            "raise_on_status": False,
            "raise_on_redirect": False,
            "backoff_factor": FIRST_WAIT,
            "backoff_jitter": FIRST_WAIT,
            "backoff_max": LONGEST_WAIT,
        }
        super().__init__(**{**defaults, **options})
        self._budget = budget
        self._until = until

    def new(self, **changes: Any) -> Self:
        return super().new(**{"budget": self._budget, "until": self._until, **changes})

    def is_retry(self, method: str, status_code: int, has_retry_after: bool = False) -> bool:
        """A request that was one too many was not carried out, whatever it was."""
        return status_code == TOO_MANY or super().is_retry(method, status_code, has_retry_after)

    def increment(
        self,
        method: str | None = None,
        url: str | None = None,
        response: BaseHTTPResponse | None = None,
        error: Exception | None = None,
        _pool: ConnectionPool | None = None,
        _stacktrace: TracebackType | None = None,
    ) -> Self:
        if isinstance(error, SSLError):  # a certificate does not get better
            raise MaxRetryError(_pool, url, error) from error  # type: ignore[arg-type]
        if self._until is None:
            begun = self.new(until=time.monotonic() + self._budget)
            return begun.increment(method, url, response, error, _pool, _stacktrace)
        try:
            return super().increment(method, url, response, error, _pool, _stacktrace)
        except MaxRetryError:
            if error and self._is_read_error(error):
                raise error from None  # as it is told when nothing was repeated
            raise

    def is_exhausted(self) -> bool:
        return self._left() <= 0 or super().is_exhausted()

    def get_backoff_time(self) -> float:
        return min(super().get_backoff_time(), self._left())

    def parse_retry_after(self, retry_after: str) -> float:
        """What is not understood is as if nothing had been said."""
        with contextlib.suppress(InvalidHeader):
            return min(super().parse_retry_after(retry_after), self._left())
        return 0.0

    # -- inside -------------------------------------------------------------------------------

    def _left(self) -> float:
        return max(0.0, (self._until or 0.0) - time.monotonic())
