# SPDX-License-Identifier: Apache-2.0
"""Alice's two servers, protected and replicated, both sites well: made once for all modules."""

from testbed import scenario, shortcut
from testbed.testbed import Testbed

SCENE = "protection"
NAMES = [server.name for server in scenario.WEB_SERVERS]


def arrange(testbed: Testbed) -> None:
    """Let each volume hold its own name, which site-b has in a snapshot."""
    if not testbed.remembers(SCENE):
        testbed.reset()
        shortcut.introduce_sites(testbed)
        scenario.boot(testbed.cloud("site-a"), scenario.WEB_SERVERS)
        shortcut.protect(testbed, NAMES)
        for name, array_volume in source_volumes(testbed).items():
            testbed.control.write("flasharray-a", array_volume, name)
        scenario.replicate(testbed)
        testbed.checkpoint(SCENE)
    testbed.up()  # some other test may have killed a site
    testbed.restore(SCENE)
    for site in testbed.sites:
        testbed.start_service(site, "protector-engine")


def source_volumes(testbed: Testbed) -> dict[str, str]:
    """Return name -> name on site-a's array, of the servers' volumes."""
    here = testbed.cloud("site-a")
    return {k: v for name in NAMES for k, v in scenario.array_volumes(here, name).items()}
