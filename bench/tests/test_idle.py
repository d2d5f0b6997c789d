# SPDX-License-Identifier: Apache-2.0
import pathlib

from protector_bench import idle

LOG = """\
2026-11-29 12:00:00.001 7 DEBUG urllib3.connectionpool [-] http://127.0.1.1:8774 "GET /old HTTP/1.1" 200 9
2026-11-29 12:00:01.001 7 DEBUG urllib3.connectionpool [-] http://127.0.1.1:8774 "GET /v2.1/servers HTTP/1.1" 200 9
2026-11-29 12:00:01.002 7 INFO protector.engine.capture [-] Starting new HTTP connection (1): 127.0.2.1:8788
2026-11-29 12:00:02.001 7 DEBUG urllib3.connectionpool [-] http://127.0.2.1:8788 "POST /v1/peer/standings HTTP/1.1" 200 9
2026-11-29 12:00:03.001 7 DEBUG urllib3.connectionpool [-] https://127.0.1.1:8443 "GET /api/2.26/volumes?limit=1 HTTP/1.1" 200 9
2026-11-29 12:00:04.001 7 DEBUG urllib3.connectionpool [-] https://127.0.1.1:8443 "GET /api/2.26/volumes HTTP/1.1" 200 9
"""  # noqa: E501


def test_calls_are_counted_by_whom_they_ask_from_where_the_window_began(
    tmp_path: pathlib.Path,
) -> None:
    log = tmp_path / "protector-engine.log"
    log.write_text(LOG)
    begin = LOG.index("\n") + 1
    assert idle.WINDOW == 60
    assert idle.counted("site-a", log, begin) == {"array": 2, "nova": 1, "peer's protector": 1}
