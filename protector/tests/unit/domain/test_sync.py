# SPDX-License-Identifier: Apache-2.0
import pytest

from protector.domain.sync import Plight, Status, actions


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


@pytest.mark.parametrize("plight", Plight)
def test_what_a_status_comes_from_decides_what_helps(plight: Plight) -> None:
    status = Status.BLOCKED if plight is Plight.UNFINISHED else Status.OUT_OF_SYNC
    told = actions(status, group="web", peer="site-a", plight=plight)
    assert told
    assert told != actions(status, group="web", peer="site-a")
    assert not any("{" in action for action in told)
