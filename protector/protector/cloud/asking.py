# SPDX-License-Identifier: Apache-2.0
"""What the services of a cloud say when they say no, in our words.

openstacksdk and keystoneauth each have exceptions of their own, some of them for the same thing.
Nothing of theirs leaves this package.
"""

import contextlib
import re
from collections.abc import Iterator

import keystoneauth1.exceptions as ksa
import openstack.exceptions as sdk
import requests

from protector import errors

# Not authorized, by policy or by quota; Cinder says 413 for the last.
REFUSALS = (401, 403, 413)

NOT_FOUND = (sdk.NotFoundException, ksa.NotFound)
# All that comes out when a service is asked and does not do it.
ANSWERS = (sdk.SDKException, ksa.ClientException, requests.RequestException)

TOO_MANY = 429
# Of the page that a load balancer sends in a service's place.
MARKUP = re.compile(r"</?[A-Za-z!][^<>]*>")
# Where a token is asked for, at any service's request.
SIGN_IN = "/auth/tokens"
# There was no answer, or none from which the service's address could be learnt.
NO_ANSWER = (
    ksa.ConnectionError,
    ksa.DiscoveryFailure,
    sdk.ServiceDiscoveryException,
    sdk.NotSupported,
    requests.ConnectionError,
    requests.Timeout,
    requests.exceptions.ChunkedEncodingError,
)
# It answers, and will do so in the same way.
NOT_TRUSTED = (ksa.SSLError, requests.exceptions.SSLError)


@contextlib.contextmanager
def asking(site: str, service: str, action: str) -> Iterator[None]:
    """Turn what a service answers into our errors.

    :param action: what it is asked to do, to stand after "did not".
    :raises CloudRefused: it may not, by policy or quota.
    :raises CloudUnavailable: it does not answer, or cannot now.
    :raises CloudError: it cannot.
    """
    try:
        yield
    except ksa.Unauthorized as error:  # no token was to be had, so the service was not asked
        raise errors.CloudRefused(
            service="Keystone", site=site, action="sign in", reason=reason(error)
        ) from None
    except ANSWERS as error:
        if status(error) in REFUSALS:
            raise errors.CloudRefused(
                service=service, site=site, action=action, reason=reason(error)
            ) from None
        fault = errors.CloudUnavailable if passes(error) else errors.CloudError
        said = f"it did not {action}: {reason(error)}"
        if service not in ("", "Keystone") and signing_in(error):
            said = f"{service} was not asked to {action}: {reason(error)}"
            service = "Keystone"
        raise fault(service=service, site=site, reason=said) from None


def passes(error: Exception) -> bool:
    """Whether the same request may well be answered later."""
    code = status(error)
    if code:
        return code == TOO_MANY or code >= 500
    return isinstance(error, NO_ANSWER) and not isinstance(error, NOT_TRUSTED)


def signing_in(error: Exception) -> bool:
    answer = getattr(error, "response", None)
    return SIGN_IN in str(error) or SIGN_IN in str(getattr(answer, "url", ""))


def status(error: Exception) -> int | None:
    return getattr(error, "status_code", None) or getattr(error, "http_status", None)


def reason(error: Exception) -> str:
    """Return what the service said, or why it said nothing; without its last period."""
    if isinstance(error, ksa.ConnectTimeout | requests.Timeout):
        return "Connection timeout"
    if isinstance(error, ksa.ConnectFailure | requests.ConnectionError):
        return "Connection refused" if "refused" in str(error) else "the connection broke"
    said = getattr(error, "details", None) or getattr(error, "message", None) or str(error)
    return " ".join(MARKUP.sub(" ", str(said)).split()).rstrip(".")
