# SPDX-License-Identifier: Apache-2.0
"""What goes on for groups that were failed over costs no question for each of them."""

from functional.engine.counting import copy_group, statements
from functional.engine.world import World

from protector.engine.sweeps.copies import Copies
from protector.engine.sweeps.fencing import Fencing


def test_the_array_is_asked_once_what_it_still_replicates(world: World) -> None:
    world.protect("web1")
    world.lose_a()
    assert world.fail_over().status == "completed"
    world.return_of_a()
    copy_group(world, 3)
    calls = world.a.array.faults.calls
    calls.clear()
    Fencing(world.a.equipment).look()
    assert calls.count("suspend") == 3
    assert [call for call in calls if call.startswith("replication")] == ["replications"]


def test_groups_that_run_where_they_were_recovered_are_not_looked_through(world: World) -> None:
    world.protect("web1")
    assert world.fail_over().status == "completed"
    asked = statements(world.b)
    Copies(world.b.equipment).look()
    assert not [statement for statement in asked if "recovery_documents" in statement]
