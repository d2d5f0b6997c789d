# SPDX-License-Identifier: Apache-2.0
import pytest

from protector.domain.sync import Status, actions


@pytest.mark.parametrize("status", Status)
def test_whatever_is_not_in_sync_has_something_to_do(status: Status) -> None:
    told = actions(status, group="web", peer="site-a")
    assert bool(told) is (status is not Status.SYNCED)
    assert not any("{" in action for action in told)


def test_the_procedure_of_the_unreachable_site() -> None:
    assert actions(Status.UNREACHABLE, group="web", peer="site-a") == [
        "Check remote site connectivity",
        "Force sync once remote site is available",
    ]
