"""The test run: `tests/run` installs what it needs, then calls this.

  tests/run             the gate: form, one build with its lints, all tests but the long ones, a slice of the long tier, and the
                        suites over TLS and HTTP/2 where what these touch has changed since all has passed
  tests/run --all       everything: browsers, players, client libraries, other transports, documentation
  tests/run SUITE…      what one changed: programs under tests/ or packages (`ranges`, `rserve-proto`)
  tests/run --changed   what of the long tier a change touches, since COMMIT or since all of it has passed
  tests/run --slice     the gate, with the slice that COMMIT has
  tests/run --history   the runs on this machine, and how they ended

The last line is `N passed, M failed`.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time

import changed
import history
import long
import stage
from suites import MOST_TRIED_AGAIN, SOME_FAILED, Suites

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
TARGET = os.environ.setdefault("CARGO_TARGET_DIR", os.path.join(ROOT, "target"))
# More tests that need a second try than these: the run needed luck.
MOST_FLAKY = 2
SLOWEST_SHOWN = 10


def cargo(*words):
    """A cargo command over the whole workspace: with fewer packages it would choose other features, and build anew."""
    profile = "--cargo-profile" if words[0] == "nextest" else "--profile"
    return ["cargo", *words, "--locked", "--workspace", profile, "ci"]


def clippy():
    """What makes the build's compiler tell of lints, too, as `cargo clippy -- -D warnings` does: one pass for both."""
    return {
        "RUSTC_WORKSPACE_WRAPPER": "clippy-driver",
        "CLIPPY_ARGS": "-D__CLIPPY_HACKERY__warnings__CLIPPY_HACKERY__",
    }


def alone():
    """What has each test run in namespaces of its own; nothing where there are none."""
    program = os.path.join(TARGET, "ci", "alone")
    if subprocess.run([program, "--works"]).returncode != 0:
        print("tests share the network and the processes of this machine: no namespaces here")
        return {}
    triple = next(line.split()[1] for line in subprocess.check_output(["rustc", "-vV"], text=True).splitlines()
                  if line.startswith("host:"))
    return {f"CARGO_TARGET_{triple.upper().replace('-', '_')}_RUNNER": program}


class Run:
    """A run, and what has come of it so far."""

    def __init__(self, tier):
        self.tier = tier
        self.began = time.time()
        self.commit = history.commit(ROOT)
        # What chance decides is decided by the commit: who runs it again runs the same.
        os.environ.setdefault("RSERVE_CHAOS_SEED", str(long.number(self.commit)))
        print(f"commit {self.commit}, RSERVE_CHAOS_SEED={os.environ['RSERVE_CHAOS_SEED']}")
        self.logs = tempfile.mkdtemp(prefix="rserve-tests-run-")
        self.suites = Suites(cargo, self.logs, TARGET)
        self.stages = []
        self.tests = []
        self.passed = 0
        self.failed = []
        self.flaky = []

    def check(self, name, command, limit):
        """One command, one result."""
        return self.checked(stage.run(name, command, self.logs, limit))

    def checked(self, result):
        self.stages.append(result)
        if result.succeeded:
            self.passed += 1
        else:
            self.failed.append(result.name)
        return result.succeeded

    def test(self, name, limit, filter=None, env=None, must_be=True):
        """Many tests; those that fail are tried once more, alone, if they may be. `must_be`: it is a failure that there are none."""
        result, tests = self.suites.run(name, limit, filter, env, must_be=must_be)
        self.stages.append(result)
        self.tests += tests
        failed = [test for test in tests if test.failure is not None]
        self.passed += len(tests) - len(failed)
        if not result.succeeded and not (failed and result.status == SOME_FAILED):
            # It did not build, or did not come to its end: whatever failed until then is not all.
            self.failed.append(name)
        if 0 < len(failed) <= MOST_TRIED_AGAIN:
            tried = [test for test in failed if test.may_be_tried_again]
            if tried:
                result, passed = self.suites.try_again(tried, env)
                self.stages.append(result)
                self.flaky += passed
                self.passed += len(passed)
                failed = [test for test in failed if test not in passed]
        self.failed += [str(test) for test in failed]
        return tests

    def end(self):
        """Says what has come of it, writes it down, and gives the exit status."""
        known = history.flaky_before()
        for test in self.flaky:
            print(f"flaky: {test} ({test.seconds:.1f} s: {reason(test)})")
        if self.flaky:
            print(f"flaky: {len(self.flaky)} of at most {MOST_FLAKY}")
        again = [test for test in self.flaky if str(test) in known]
        unlucky = self.flaky if len(self.flaky) > MOST_FLAKY else again
        self.passed -= len(unlucky)
        self.failed += [f"{test} (flaky{', as in one of the last runs' if test in again else ''})" for test in unlucky]
        self.table()
        for name in self.failed:
            print(f"failed: {name}")
        seconds = time.time() - self.began
        history.add(self.commit, self.tier, self.passed, len(self.failed), [str(test) for test in self.flaky], seconds)
        print(f"\n{self.passed} passed, {len(self.failed)} failed", flush=True)
        return 1 if self.failed else 0

    def table(self):
        print(f"\n{'stage':<44} {'seconds':>8} {'core-s':>8}")
        for done in self.stages:
            mark = "" if done.succeeded else "  ended" if done.status is None else "  failed"
            print(f"{done.name:<44} {done.seconds:>8.1f} {done.core_seconds:>8.1f}{mark}")
        # By the clock: some stages run beside others.
        seconds, core = time.time() - self.began, sum(done.core_seconds for done in self.stages)
        print(f"{'all':<44} {seconds:>8.1f} {core:>8.1f}")
        print("\nthe slowest tests:")
        for test in sorted(self.tests, key=lambda test: -test.seconds)[:SLOWEST_SHOWN]:
            print(f"{test.seconds:>8.1f} s  {test}")
        print(f"\nwhat each stage said: {self.logs}")


def reason(test):
    """The line in which the test says why."""
    lines = [line.strip() for line in test.failure.splitlines()]
    for line, following in zip(lines, lines[1:]):
        if "panicked at" in line:
            return following
    return lines[0]


def build(run):
    """Everything that is tested, with its lints; the client libraries meanwhile. False: there is nothing to test."""
    libraries = stage.Running("client libraries", [os.path.join("tests", "clients", "install")], run.logs, 600)
    os.environ.update(clippy())
    built = run.check("build and lints", cargo("build", "--all-targets"), 1800)
    run.checked(libraries.finish())
    if built:
        os.environ.update(alone())
    return built


def gate(run, slice_of):
    run.check("form", ["cargo", "fmt", "--all", "--check"], 60)
    if build(run):
        run.test("tests", 1800)
        whole = [kind for kind in changed.touched(changed.files(ROOT, long.passed(ROOT) or "HEAD^")) if kind in long.TRANSPORTS]
        for kind in whole:
            long.over(run, kind, long.TRANSPORTS[kind][1])
        chosen = long.chosen(ROOT, slice_of or run.commit)
        long.run_units(run, [unit for unit in chosen if unit.kind not in whole])
        commits = long.commits_since_all(ROOT)
        if commits is not None and commits > long.MOST_COMMITS:
            run.failed.append(f"{commits} commits since the long tier has passed: run tests/run --all")


def everything(run):
    """Gives the rows of the long tier's table; none where nothing could be run."""
    run.check("form", ["cargo", "fmt", "--all", "--check"], 60)
    if not build(run):
        return None
    run.test("tests", 1800)
    return long.whole(run)


def touched(run, since):
    units = changed.touched(changed.files(ROOT, since))
    print("touched:", ", ".join(units) or "nothing of the long tier")
    if units and build(run):
        filters = [unit for unit in units if unit not in long.CHECKS and unit not in (*long.TRANSPORTS, "seeds")]
        if filters:
            run.test("long tests", 3600, long.any_of(filters))
        for kind in long.TRANSPORTS:
            if kind in units:
                long.over(run, kind, long.TRANSPORTS[kind][1])
        for name in long.SEEDS if "seeds" in units else ():
            long.seeds(run, name)
        for name in long.CHECKS:
            if name in units:
                long.check(run, name)


def main():
    words = argparse.ArgumentParser(prog="tests/run", description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    words.add_argument("--all", action="store_true")
    words.add_argument("--changed", metavar="COMMIT", nargs="?", const="")
    words.add_argument("--slice", metavar="COMMIT")
    words.add_argument("--history", action="store_true")
    words.add_argument("suites", nargs="*", metavar="SUITE")
    asked = words.parse_args()
    os.chdir(ROOT)
    if asked.history:
        return history.show()
    if asked.suites:
        run = Run(",".join(asked.suites))
        if build(run):
            run.test("tests", 3600, long.any_of(f"binary_id(/(^|::|-){name}(::|$)/)" for name in asked.suites))
    elif asked.changed is not None:
        run = Run("changed")
        touched(run, asked.changed or long.passed(ROOT) or "HEAD^")
    elif asked.all:
        run = Run("all")
        rows = everything(run)
        status = run.end()
        if rows:
            long.write(ROOT, rows, run.commit, status == 0)
        return status
    else:
        run = Run("gate")
        gate(run, asked.slice)
    return run.end()


sys.exit(main())
