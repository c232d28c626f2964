"""Tests by cargo-nextest: which, with what result, and one more try for what failed."""

import os
import re
import xml.etree.ElementTree as tree

import stage

# What is looked for here is a loss: it counts the first time.
LOSSES = re.compile(
    r"^(rserve::(chaos|continuity|durable|life|search)|rserve-(wal|broadcast)(::.*)?)$")
# What a server says before it is told to be green no more.
PANIC = "the server panicked"
# How nextest ends where tests have failed, and nothing else went wrong.
SOME_FAILED = 100
# More failures than this are no accident.
MOST_TRIED_AGAIN = 5


class Test:
    """A test that was run: its program, its name, seconds, and what it said where it failed (else None)."""

    def __init__(self, program, name, seconds, failure):
        self.program = program
        self.name = name
        self.seconds = seconds
        self.failure = failure

    def __str__(self):
        return f"{self.program} {self.name}"

    @property
    def filter(self):
        return f"(binary_id(={self.program}) and test(={self.name}))"

    @property
    def may_be_tried_again(self):
        return not LOSSES.match(self.program) and PANIC not in self.failure


class Suites:
    """The tests of one build."""

    def __init__(self, cargo, logs, target):
        self.cargo = cargo
        self.logs = logs
        self.target = target

    def run(self, name, limit, filter=None, env=None, threads=None, must_be=True):
        """Runs the tests that the filter names (none: those of the gate); gives the stage and the tests. `must_be`: there is one, or it fails."""
        report = os.path.join(self.target, "nextest", "default", "junit.xml")
        if os.path.exists(report):
            os.remove(report)
        command = [*self.cargo("nextest", "run"), "--no-tests", "fail" if must_be else "pass"]
        if filter is not None:
            command += ["--ignore-default-filter", "-E", filter]
        if threads is not None:
            command += ["--test-threads", str(threads)]
        result = stage.run(name, command, self.logs, limit, env)
        return result, tests(report)

    def try_again(self, failed, env):
        """Each of these alone; gives the stage and those that have passed now."""
        filter = " or ".join(test.filter for test in failed)
        result, again = self.run("second try, one at a time", 150 * len(failed), filter, env, threads=1)
        good = {str(test) for test in again if test.failure is None}
        return result, [test for test in failed if str(test) in good]


def tests(report):
    """The tests of a JUnit file; none where there is no file."""
    try:
        root = tree.parse(report).getroot()
    except (OSError, tree.ParseError):
        return []
    found = []
    for suite in root.iter("testsuite"):
        for case in suite.iter("testcase"):
            failed = [part for part in case if part.tag in ("failure", "error")]
            said = "\n".join(
                part.text or part.get("message", "") for part in case
                if part.tag in ("failure", "error", "system-out", "system-err"))
            failure = (failed[0].get("message") or failed[0].get("type", "failed")) + "\n" + said if failed else None
            found.append(Test(suite.get("name"), case.get("name"), float(case.get("time", 0)), failure))
    return found
