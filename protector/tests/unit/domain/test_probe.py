# SPDX-License-Identifier: Apache-2.0
import pytest

from protector import errors
from protector.domain.probe import Probe


@pytest.mark.parametrize(
    ("text", "probe"),
    [
        ("tcp:22", Probe(22)),
        ("http:8080/health?full=1", Probe(8080, "/health?full=1")),
        ("http:80", Probe(80, "/")),
    ],
)
def test_a_probe_is_read(text: str, probe: Probe) -> None:
    assert Probe.read(text) == probe
    assert Probe.read(str(probe)) == probe


@pytest.mark.parametrize(
    "text",
    [
        "",
        "22",
        "tcp:0",
        "tcp:65536",
        "tcp:22/x",
        "udp:53",
        "http:80/a b",
        "http:80/\r\nX: y",
        "tcp:x",
    ],
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(errors.InvalidRequest, match="is no probe"):
        Probe.read(text)
