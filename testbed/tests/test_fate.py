# SPDX-License-Identifier: Apache-2.0
import pathlib
import signal
import subprocess
import sys

import pytest

from testbed.fate import Fate, Moment, take, taken_at

# A flow of two steps, each of which leaves a file when it is done, and another when undone.
FLOW = """
import pathlib, sys
import taskflow.engines, taskflow.task
from taskflow.patterns import linear_flow
from testbed.fate import doom

folder, fate, fails = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]), "fails" in sys.argv

class Step(taskflow.task.Task):
    def execute(self):
        (folder / self.name).touch()
    def revert(self, **_):
        (folder / f"{self.name} undone").touch()

class Failing(taskflow.task.Task):
    def execute(self):
        raise SystemError("so that all is undone")

doom(Step, fate)
flow = linear_flow.Flow("drill").add(Step("first"), Step("second"))
if fails:
    flow.add(Failing("third"))
taskflow.engines.run(flow)
"""


@pytest.fixture
def fate(tmp_path: pathlib.Path) -> pathlib.Path:
    return tmp_path / "fate"


def run(tmp_path: pathlib.Path, fate: pathlib.Path, *words: str) -> tuple[int, set[str]]:
    """Return how the process ended, and what the steps have done."""
    folder = tmp_path / "done"
    folder.mkdir()
    ended = subprocess.run([sys.executable, "-c", FLOW, folder, fate, *words], capture_output=True)
    return ended.returncode, {path.name for path in folder.iterdir()}


@pytest.mark.parametrize(
    ("moment", "done"), [("before", {"first"}), ("after", {"first", "second"})]
)
def test_it_dies_right_before_or_right_after_a_step(
    tmp_path: pathlib.Path, fate: pathlib.Path, moment: Moment, done: set[str]
) -> None:
    Fate("second", moment).write(fate)
    assert run(tmp_path, fate) == (-signal.SIGKILL, done)
    assert taken_at(fate) is not None


@pytest.mark.parametrize(("moment", "undone"), [("before", set()), ("after", {"first undone"})])
def test_it_dies_right_before_or_right_after_an_undoing(
    tmp_path: pathlib.Path, fate: pathlib.Path, moment: Moment, undone: set[str]
) -> None:
    Fate("first", moment, "revert").write(fate)
    code, done = run(tmp_path, fate, "fails")
    assert code == -signal.SIGKILL
    assert done == {"first", "second", "second undone", *undone}


def test_it_lives_when_nothing_is_written(tmp_path: pathlib.Path, fate: pathlib.Path) -> None:
    assert run(tmp_path, fate) == (0, {"first", "second"})


def test_one_engine_dies_of_two_that_come_to_the_same_moment(fate: pathlib.Path) -> None:
    written = Fate("second", "before")
    written.write(fate)
    assert not take(fate, Fate("first", "before"))
    assert [take(fate, written), take(fate, written)] == [True, False]


def test_a_fate_written_anew_is_not_taken_yet(fate: pathlib.Path) -> None:
    written = Fate("second", "before")
    written.write(fate)
    take(fate, written)
    written.write(fate)
    assert taken_at(fate) is None
