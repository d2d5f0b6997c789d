# SPDX-License-Identifier: Apache-2.0
import pathlib
import signal
import subprocess
import sys

import pytest

from testbed.fate import Fate, Moment, take, taken_at, write

# A flow of two steps, each of which leaves a file when it is done, and another when undone.
FLOW = """
import pathlib, sys
import taskflow.engines, taskflow.task
from taskflow.patterns import linear_flow
from testbed.fate import doom

folder, fates, fails = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]), "fails" in sys.argv

class Step(taskflow.task.Task):
    def execute(self):
        (folder / self.name).touch()
    def revert(self, **_):
        (folder / f"{self.name} undone").touch()

class Failing(taskflow.task.Task):
    def execute(self):
        raise SystemError("so that all is undone")

doom(Step, fates)
flow = linear_flow.Flow("drill").add(Step("first"), Step("second"))
if fails:
    flow.add(Failing("third"))
taskflow.engines.run(flow)
"""


@pytest.fixture
def fates(tmp_path: pathlib.Path) -> pathlib.Path:
    return tmp_path / "fates"


def run(tmp_path: pathlib.Path, fates: pathlib.Path, *words: str) -> tuple[int, set[str]]:
    """Return how the process ended, and what the steps have done."""
    folder = tmp_path / "done"
    folder.mkdir(exist_ok=True)
    ended = subprocess.run([sys.executable, "-c", FLOW, folder, fates, *words], capture_output=True)
    return ended.returncode, {path.name for path in folder.iterdir()}


@pytest.mark.parametrize(
    ("moment", "done"), [("before", {"first"}), ("after", {"first", "second"})]
)
def test_it_dies_right_before_or_right_after_a_step(
    tmp_path: pathlib.Path, fates: pathlib.Path, moment: Moment, done: set[str]
) -> None:
    fate = Fate("second", moment)
    write(fates, [fate])
    assert run(tmp_path, fates) == (-signal.SIGKILL, done)
    assert taken_at(fates, fate) is not None


@pytest.mark.parametrize(("moment", "undone"), [("before", set()), ("after", {"first undone"})])
def test_it_dies_right_before_or_right_after_an_undoing(
    tmp_path: pathlib.Path, fates: pathlib.Path, moment: Moment, undone: set[str]
) -> None:
    write(fates, [Fate("first", moment, "revert")])
    code, done = run(tmp_path, fates, "fails")
    assert code == -signal.SIGKILL
    assert done == {"first", "second", "second undone", *undone}


def test_it_dies_once_of_each(tmp_path: pathlib.Path, fates: pathlib.Path) -> None:
    first, second = Fate("first", "after"), Fate("second", "before")
    write(fates, [second, first])
    assert run(tmp_path, fates)[0] == -signal.SIGKILL
    assert (taken_at(fates, first) is None, taken_at(fates, second) is None) == (False, True)
    assert run(tmp_path, fates)[0] == -signal.SIGKILL
    assert taken_at(fates, second) is not None
    assert run(tmp_path, fates) == (0, {"first", "second"})


def test_it_lives_when_nothing_is_written(tmp_path: pathlib.Path, fates: pathlib.Path) -> None:
    assert run(tmp_path, fates) == (0, {"first", "second"})


def test_one_engine_dies_of_two_that_come_to_the_same_moment(fates: pathlib.Path) -> None:
    written = Fate("second", "before")
    write(fates, [written])
    assert not take(fates, Fate("first", "before"))
    assert [take(fates, written), take(fates, written)] == [True, False]


def test_what_was_written_before_counts_no_more(fates: pathlib.Path) -> None:
    first, second = Fate("first", "before"), Fate("second", "before")
    write(fates, [first])
    take(fates, first)
    write(fates, [second])
    assert taken_at(fates, first) is None
    assert not take(fates, first)
