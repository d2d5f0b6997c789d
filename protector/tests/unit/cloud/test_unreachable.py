# SPDX-License-Identifier: Apache-2.0
"""A cloud that does not answer, by real sockets."""

import socket
import time
from collections.abc import Iterator

import pytest

from protector import errors
from protector.cloud.openstack import Credentials, OpenStackCloud
from protector.cloud.waiting import Limits

TIMEOUT = 0.3


def cloud_at(port: int) -> OpenStackCloud:
    return OpenStackCloud(
        "site-b",
        credentials=Credentials(
            auth_url=f"http://127.0.0.1:{port}/v3",
            user={"username": "protector", "password": "secret", "user_domain_name": "Default"},
            project={"project_name": "service", "project_domain_name": "Default"},
        ),
        region_name=None,
        timeout=TIMEOUT,
        call_budget=TIMEOUT,
        limits=Limits(
            server_timeout=1,
            shutdown_timeout=1,
            volume_timeout=1,
            poll_interval=0.01,
            parallel_requests=4,
        ),
    )


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A port that takes connections and never says anything."""
    with socket.create_server(("127.0.0.1", 0), backlog=16) as listener:
        yield listener.getsockname()[1]


@pytest.fixture
def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    return port


def test_a_check_says_of_each_service_that_nobody_listens(closed_port: int) -> None:
    answers = cloud_at(closed_port).as_service().check()
    assert set(answers.values()) == {"it did not answer: Connection refused"}


def test_a_service_that_is_silent_is_given_up_in_time(silent_port: int) -> None:
    started = time.monotonic()
    with pytest.raises(errors.CloudError, match="Connection timeout"):
        cloud_at(silent_port).as_service().volume_types("async")
    assert time.monotonic() - started < 10 * TIMEOUT


def test_the_service_users_password_is_in_no_text(closed_port: int) -> None:
    with pytest.raises(errors.CloudError) as raised:
        cloud_at(closed_port).by_trust("trust").inventory()
    assert "secret" not in raised.value.text
    user = {"username": "protector", "password": "secret"}
    assert "secret" not in repr(Credentials("http://127.0.0.1", user, {}))
