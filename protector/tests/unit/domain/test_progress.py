# SPDX-License-Identifier: Apache-2.0
from itertools import chain

import pytest

from protector.domain.progress import PHASES, percent

PLAN = {
    "preparation": ["validate_target_site", "create_dr_operation_record"],
    "storage_failover": [
        "identify_latest_snapshot",
        "promote_volumes_from_snapshot",
        "manage_volumes_into_cinder",
    ],
    "instance_recreation": ["recreate_vm_web-server-1", "recreate_vm_web-server-2"],
    "finalization": ["finalization"],
}


def test_progress_goes_through_the_marks_of_the_procedure() -> None:
    done: list[str] = []
    reached = [percent(PLAN, done)]
    for step in chain(*PLAN.values()):
        done.append(step)
        reached.append(percent(PLAN, done))
    assert reached == [5, 10, 15, 28, 36, 45, 67, 75, 100]


def test_what_nobody_has_planned_yet_is_accepted() -> None:
    assert percent({}, ()) == 5


def test_progress_never_goes_back_whatever_order_vms_end_in() -> None:
    done = [*PLAN["preparation"], *PLAN["storage_failover"]]
    first = percent(PLAN, [*done, "recreate_vm_web-server-2"])
    assert percent(PLAN, done) < first < percent(PLAN, [*done, *PLAN["instance_recreation"]])


@pytest.mark.parametrize(
    "middle", [["storage_failover", "instance_recreation"], ["shutdown"], ["startup"], ["cleanup"]]
)
def test_phases_follow_one_another(middle: list[str]) -> None:
    bounds = list(chain(*(PHASES[phase] for phase in ("preparation", *middle, "finalization"))))
    assert bounds == sorted(bounds)
