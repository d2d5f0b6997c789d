# SPDX-License-Identifier: Apache-2.0
import ipaddress

import pytest

from protector.cloud.networks import pools


@pytest.mark.parametrize(
    ("cidr", "taken", "expected"),
    [
        ("10.0.0.0/24", [], [("10.0.0.1", "10.0.0.254")]),
        (
            "10.0.0.0/24",
            ["10.0.0.9", "10.0.0.1", "10.0.0.254"],
            [("10.0.0.2", "10.0.0.8"), ("10.0.0.10", "10.0.0.253")],
        ),
        ("10.0.0.0/30", ["10.0.0.1", "10.0.0.2"], []),
        ("10.0.0.0/31", ["10.0.0.0"], [("10.0.0.1", "10.0.0.1")]),
        ("fd00::/126", ["fd00::2"], [("fd00::1", "fd00::1")]),
    ],
)
def test_what_is_asked_for_is_in_no_pool(
    cidr: str, taken: list[str], expected: list[tuple[str, str]]
) -> None:
    assert list(pools(cidr, taken)) == expected


def test_a_large_subnet_is_no_matter() -> None:
    first, second = pools("fd00::/64", ["fd00::5"])
    assert first == ("fd00::1", "fd00::4")
    assert ipaddress.ip_address(second[1]) in ipaddress.ip_network("fd00::/64")
