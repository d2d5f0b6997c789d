# SPDX-License-Identifier: Apache-2.0
"""What site-a's array itself says of the group it replicates, asked as its administrator would."""

import pypureclient.flasharray as purity
from pypureclient.configuration import Configuration

from testbed import scenario
from testbed.layout import SITE_A
from testbed.testbed import Testbed


def replicates(testbed: Testbed) -> bool:
    (group,) = client(testbed).get_protection_groups(names=[scenario.array_group(testbed)]).items
    return bool(group.replication_schedule.enabled)


def replicated_volumes(testbed: Testbed) -> set[str]:
    group = scenario.array_group(testbed)
    answer = client(testbed).get_protection_groups_volumes(group_names=[group])
    return {one.member.name for one in answer.items}


def client(testbed: Testbed) -> purity.Client:
    configuration = Configuration(ssl_ca_cert=str(testbed.folders.simulator / "state" / "ca.pem"))
    configuration.verify_ssl = True
    return purity.Client(
        SITE_A.array_target, api_token=SITE_A.api_token, configuration=configuration
    )
