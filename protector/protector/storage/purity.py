# SPDX-License-Identifier: Apache-2.0
"""Calls to one FlashArray by Pure Storage's SDK, and what the SDK makes of failures.

The SDK answers a refusal with an object, raises its own error for some faults and lets urllib3's
through for the rest; it verifies no certificate and waits for ever unless told otherwise; it sends
again what the array may have done already, after as long a pause as the array asks for; and one
client is not meant for several threads. All of that ends here.
"""

import contextlib
import threading
from collections.abc import Callable, Iterator
from typing import Any, Self

import urllib3
import urllib3.exceptions
from pypureclient import PureError, flasharray
from pypureclient.configuration import Configuration

from protector import errors

# What Purity says of a thing that is not there, or is waiting to be eradicated.
GONE = (
    "does not exist",
    "has been destroyed",
    "no such volume or snapshot",
    "could not be found",
)

# The SDK needs one to sign in anew once its session has expired.
REPEATS = 1

TOO_MANY = 429

# The reason given when a request was sent and the answer was lost: it may have been carried out.
BROKEN = "the connection broke"


class Busy(urllib3.exceptions.HTTPError):
    """The array answered that it cannot now; ``retry_after``: the seconds it wants us to wait."""

    def __init__(self, response: urllib3.BaseHTTPResponse, retry_after: float | None) -> None:
        super().__init__(f"it answered with HTTP status {response.status}: {said_in(response)}")
        self.retry_after = retry_after


class AtOnce(urllib3.Retry):
    """Tells at once what a busy array said, before the SDK, which would wait, comes to know of it.

    It is the driver that repeats: it knows what the array may have done already.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**{**options, "redirect": 0})

    def is_retry(self, method: str, status_code: int, has_retry_after: bool = False) -> bool:
        return status_code == TOO_MANY or status_code >= 500

    def increment(
        self,
        method: str | None = None,
        url: str | None = None,
        response: urllib3.BaseHTTPResponse | None = None,
        error: Exception | None = None,
        _pool: Any = None,
        _stacktrace: Any = None,
    ) -> Self:
        if response is not None:
            raise Busy(response, self.get_retry_after(response))
        raise urllib3.exceptions.MaxRetryError(_pool, url or "", error) from error


class Purity:
    """One array's REST API; may be shared by threads.

    :param parallel_requests: those that are sent side by side, each by a client with its own
        session on the array; the others wait.
    """

    def __init__(
        self,
        array: str,
        *,
        target: str,
        api_token: str,
        ca_file: str | None,
        connect_timeout: float,
        timeout: float,
        parallel_requests: int,
    ) -> None:
        self.array = array
        self._target = target
        self._api_token = api_token
        self._timeout = (connect_timeout, timeout)
        self._configuration = Configuration(ssl_ca_cert=ca_file)
        self._configuration.verify_ssl = True
        self._configuration.retries = AtOnce()
        self._room = threading.BoundedSemaphore(parallel_requests)
        self._idle: list[Any] = []

    def ask(self, method: str, *, unless: tuple[str, ...] = (), **arguments: Any) -> list[Any]:
        """Call the SDK's method and return the items of the answer.

        :param unless: refusals with one of these texts count as an answer without items.
        :raises StorageError: the array refused, in its words.
        :raises ArrayUnreachable: it did not answer.
        :raises ArrayBusy: it answered that it cannot now; ``__cause__`` may say how long to wait.
        """
        response, items = self._calling(lambda: self._send(method, arguments))
        if response.status_code == 200:
            return items
        said = " ".join(str(error.message) for error in response.errors).strip()
        if any(text in said.lower() for text in unless):
            return []
        raise errors.StorageError(array=self.array, reason=self._refusal(response, said))

    # -- inside -------------------------------------------------------------------------------

    def _send(self, method: str, arguments: dict[str, Any]) -> tuple[Any, list[Any]]:
        with self._client() as client:
            response = getattr(client, method)(**arguments)
            # Later pages are fetched while the items are read.
            return response, list(getattr(response, "items", None) or [])

    @contextlib.contextmanager
    def _client(self) -> Iterator[Any]:
        """Have a client for oneself: the one that was used last, or one more if none is idle."""
        with self._room:
            try:
                client = self._idle.pop()
            except IndexError:
                client = self._sign_in()
            try:
                yield client
            finally:
                self._idle.append(client)

    def _sign_in(self) -> Any:
        return flasharray.Client(
            self._target,
            api_token=self._api_token,
            timeout=self._timeout,
            retries=REPEATS,
            configuration=self._configuration,
            user_agent="protector",
        )

    def _calling(self, call: Callable[[], tuple[Any, list[Any]]]) -> tuple[Any, list[Any]]:
        try:
            return call()
        except Busy as error:
            raise errors.ArrayBusy(array=self.array, reason=str(error)) from error
        except urllib3.exceptions.HTTPError as error:
            if isinstance(cause(error), urllib3.exceptions.SSLError):
                untrusted = (
                    f"its certificate is not trusted ({cause(error)}). Check [flasharray] ca_file"
                )
                raise errors.StorageError(array=self.array, reason=untrusted) from None
            raise errors.ArrayUnreachable(array=self.array, reason=reason(error)) from None
        except PureError as error:
            raise errors.StorageError(array=self.array, reason=self._fault(error)) from None

    def _fault(self, error: PureError) -> str:
        if "(401)" in str(error):
            return "it does not accept the API token. Check [flasharray] api_token"
        return f"it gave an answer that is not understood: {error.reason}"

    def _refusal(self, response: Any, said: str) -> str:
        return said or f"it answered with HTTP status {response.status_code} and no reason"


def alive(items: list[Any]) -> Any:
    """Return the first item that is not waiting to be eradicated, or None."""
    return next((item for item in items if not getattr(item, "destroyed", False)), None)


def said_in(response: urllib3.BaseHTTPResponse) -> str:
    """Return the array's words, or that there are none."""
    try:
        said = "; ".join(str(error["message"]) for error in response.json()["errors"])
    except (ValueError, KeyError, TypeError, urllib3.exceptions.HTTPError):
        said = ""
    return said or "no reason was given"


def cause(error: urllib3.exceptions.HTTPError) -> Exception:
    return getattr(error, "reason", None) or error


def reason(error: urllib3.exceptions.HTTPError) -> str:
    """Return in a few words why there was no answer."""
    why = cause(error)
    if isinstance(why, urllib3.exceptions.NewConnectionError):
        return "Connection refused" if "refused" in str(why) else str(why).split(": ", 1)[-1]
    if isinstance(why, urllib3.exceptions.TimeoutError):
        return "Connection timeout"
    return BROKEN
