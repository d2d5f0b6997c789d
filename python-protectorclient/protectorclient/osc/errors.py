# SPDX-License-Identifier: Apache-2.0
"""Errors as sentences: what is wrong with which thing, and what to type."""

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any

from keystoneauth1 import exceptions as keystoneauth
from openstack import exceptions as sdk
from openstack.config.cloud_region import CloudRegion
from osc_lib import exceptions as osc

WRONG_SITE = "protector.group.wrong_site"
NOT_REPROTECTED = "protector.group.not_reprotected"
PEER_UNREACHABLE = "protector.peer.unreachable"


def details(refusal: sdk.HttpException) -> dict[str, Any]:
    """Return the body of Protector's error: code, message, details; or nothing if it is not its."""
    try:
        body = refusal.response.json() if refusal.response is not None else None
    except ValueError:
        body = None
    error = body.get("error") if isinstance(body, dict) else None
    return error if isinstance(error, dict) else {}


@contextlib.contextmanager
def of_signing_in(cloud: CloudRegion, clouds: Sequence[str]) -> Iterator[None]:
    """Say to which cloud one cannot sign in, and where else one might.

    :param clouds: the names in clouds.yaml.
    """
    try:
        yield
    except keystoneauth.Unauthorized as refusal:
        who = cloud.auth.get("username") or cloud.auth.get("user_id") or "you"
        reason = f"it does not accept {who} with that password or project"
        raise osc.CommandError(_cannot_sign_in(cloud, clouds, reason)) from refusal
    except (keystoneauth.ConnectFailure, keystoneauth.DiscoveryFailure) as silence:
        reason = "no Keystone answers there"
        raise osc.CommandError(_cannot_sign_in(cloud, clouds, reason)) from silence
    except (keystoneauth.ClientException, sdk.ConfigException) as error:
        raise osc.CommandError(_cannot_sign_in(cloud, clouds, str(error))) from error


@contextlib.contextmanager
def of_asking(cloud: CloudRegion) -> Iterator[None]:
    """Say what Protector refuses in its own words, or that it does not answer."""
    try:
        yield
    except sdk.HttpException as refusal:
        raise osc.CommandError(_sentence(refusal, cloud)) from refusal
    except (keystoneauth.ConnectFailure, sdk.NotSupported) as silence:
        raise osc.CommandError(
            f"Protector of {_name(cloud)} does not answer. Look for its endpoint:"
            " openstack catalog show protector. Then check the service there:"
            " systemctl status protector-api"
        ) from silence
    except keystoneauth.ClientException as error:
        raise osc.CommandError(f"{_name(cloud)}: {error}") from error


def no_endpoint(cloud: CloudRegion) -> osc.CommandError:
    return osc.CommandError(
        f"No Protector endpoint in the catalog of {_name(cloud)}; check:"
        " openstack catalog show protector"
    )


def _sentence(refusal: sdk.HttpException, cloud: CloudRegion) -> str:
    own = details(refusal).get("message")
    if own:
        return str(own)
    return f"Protector of {_name(cloud)} gave an answer that is not its own: {refusal}"


def _name(cloud: CloudRegion) -> str:
    """Return the cloud's name in clouds.yaml, or where it is when it comes from the environment."""
    auth_url = str(cloud.auth.get("auth_url"))
    return auth_url if cloud.name in ("", "envvars", "defaults") else cloud.name


def _cannot_sign_in(cloud: CloudRegion, clouds: Sequence[str], reason: str) -> str:
    auth_url = cloud.auth.get("auth_url")
    if not auth_url:
        return f"Cannot sign in: {reason}. Say to which cloud: {_elsewhere(cloud, clouds)}"
    where = auth_url if _name(cloud) == auth_url else f"{cloud.name} ({auth_url})"
    return (
        f"Cannot sign in to {where}: {reason}. If you mean the other site, go there:"
        f" {_elsewhere(cloud, clouds)}"
    )


def _elsewhere(cloud: CloudRegion, clouds: Sequence[str]) -> str:
    others = [name for name in clouds if name not in (cloud.name, "envvars", "defaults")]
    if not others:
        return "export OS_CLOUD=<its name in clouds.yaml>, or source its openrc"
    return " or ".join(f"export OS_CLOUD={name}" for name in others)
