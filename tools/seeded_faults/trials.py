"""Trials: the tests of one fault, run in the private copy, and what they came to."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tools.seeded_faults.checkout import environment_of
from tools.seeded_faults.faults import Fault, applied
from tools.seeded_faults.outcome_plugin import lane_of

# a fault that hangs the tests is noticed, too; the largest selection takes less
TIME_LIMIT_SECONDS = 2400
# all passed, some failed, no test in the lane
_ORDINARY = {0, 1, 5}
# more tests than that fail without any fault: the checkout is at fault
_MAX_UNSOUND = 20
LANES = ("test", "proof", "all")


@dataclass(frozen=True, slots=True)
class Run:
    """One run of pytest: `failed` is the first test that did, `broken` why no test was run."""

    seconds: float
    n_tests: int = 0
    failed: str = ""
    marks: tuple[str, ...] = ()
    error: str = ""
    broken: str = ""
    is_late: bool = False

    @property
    def passes(self) -> bool:
        return self.n_tests > 0 and not (self.failed or self.broken or self.is_late)


@dataclass(frozen=True, slots=True)
class Trial:
    """What the tests said of one fault.

    `outcome` is caught, missed, broken (it does not import, which counts for nothing), late (ended
    by the time limit) or doubtful (too many tests fail without the fault as well).
    """

    outcome: str
    by: str
    lane: str
    marks: tuple[str, ...]
    seconds: float
    n_tests: int
    error: str

    @property
    def caught(self) -> bool:
        return self.outcome in {"caught", "late"}


def run_tests(
    copy: Path,
    tests: Sequence[str],
    *,
    lane: str,
    likely: Sequence[str] = (),
    without: Sequence[str] = (),
) -> Run:
    """Run these tests in the copy, but for those `without`, until the first one fails."""
    report, log = copy.parent / "outcome.json", copy.parent / "pytest.log"
    report.unlink(missing_ok=True)
    command = [sys.executable, "-m", "pytest", "-x", "-q", "--no-header", "-p", "no:cacheprovider"]
    # the plugin chooses the lane, in place of the usual marks
    command += ["-p", "tools.seeded_faults.outcome_plugin", "-m", "", *tests]
    command += [f"--deselect={test}" for test in without]
    environment = environment_of()
    environment |= {"OUTCOME_FILE": str(report), "LANE": lane}
    environment |= {"LIKELY_FILES": os.pathsep.join(likely)}
    began = time.monotonic()
    in_time = _run_command(command, copy, environment, log)
    seconds = time.monotonic() - began
    if not in_time:
        return Run(seconds, is_late=True)
    if not report.is_file():
        return Run(seconds, broken=log.read_text()[-500:])
    outcome = json.loads(report.read_text())
    broken = outcome["broken"]
    if not broken and not outcome["failed"] and outcome["exit_status"] not in _ORDINARY:
        broken = log.read_text()[-500:]
    marks = tuple(outcome["marks"])
    return Run(seconds, outcome["n_tests"], outcome["failed"], marks, outcome["error"], broken)


def _run_command(command: list[str], copy: Path, environment: dict[str, str], log: Path) -> bool:
    """Run the command to its end; False where the time limit ended it."""
    with log.open("w") as output:
        process = subprocess.Popen(
            command,
            cwd=copy,
            env=environment,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            process.wait(timeout=TIME_LIMIT_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            return False
        except BaseException:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait()
            raise
    return True


def try_fault(
    fault: Fault,
    copy: Path,
    *,
    lane: str,
    likely: Sequence[str],
    sound: dict[str, bool],
) -> Trial:
    """Run the fault's tests with the fault applied.

    The test that fails is run without the fault as well, once for all faults (`sound`): one that
    fails there, too, has noticed nothing and is left out. Where no test fails, none fails without
    the fault either.
    """
    unsound = [test for test, is_sound in sound.items() if not is_sound]
    while True:
        with applied(fault, copy):
            run = run_tests(copy, fault.tests, lane=lane, likely=likely, without=unsound)
        if run.is_late:
            return Trial("late", "time limit", lane, (), run.seconds, 0, "")
        if run.broken:
            return Trial("broken", "", "", (), run.seconds, run.n_tests, run.broken)
        if not run.failed:
            return Trial("missed", "", "", (), run.seconds, run.n_tests, "")
        if run.failed not in sound:
            sound[run.failed] = run_tests(copy, [run.failed], lane="all").passes
        if sound[run.failed]:
            lane_of_test = lane_of(run.failed, list(run.marks))
            seconds, n_tests = run.seconds, run.n_tests
            return Trial("caught", run.failed, lane_of_test, run.marks, seconds, n_tests, run.error)
        unsound.append(run.failed)
        if len(unsound) > _MAX_UNSOUND:
            return Trial("doubtful", run.failed, "", (), run.seconds, run.n_tests, run.error)
