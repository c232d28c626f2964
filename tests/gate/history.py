"""The runs on this machine: a line each in a file, with tests that needed a second try in another.

  tests-run   unix time, commit, tier, passed, failed, flaky, seconds
  flaky       unix time, commit, test
"""

import os
import subprocess
import time

LAST_RUNS = 10
# Behind a commit from which files differ.
CHANGED = "+"


def folder():
    state = os.environ.get("XDG_STATE_HOME") or os.path.join(os.path.expanduser("~"), ".local", "state")
    return os.path.join(state, "rserve")


def lines(name):
    try:
        with open(os.path.join(folder(), name)) as file:
            return file.read().splitlines()
    except OSError:
        return []


def append(name, fields):
    os.makedirs(folder(), exist_ok=True)
    with open(os.path.join(folder(), name), "a") as file:
        file.write(" ".join(str(field) for field in fields) + "\n")


def commit(root):
    """The commit, with a mark where files differ from it."""
    def git(*words):
        return subprocess.run(["git", "-C", root, *words], capture_output=True, text=True).stdout.strip()
    return (git("rev-parse", "HEAD") or "0" * 40) + (CHANGED if git("status", "--porcelain") else "")


def add(of, tier, passed, failed, flaky, seconds):
    now = int(time.time())
    append("tests-run", [now, of, tier, passed, failed, len(flaky), round(seconds)])
    for test in flaky:
        append("flaky", [now, of, test])


def flaky_before():
    """The tests that needed a second try in one of the last runs."""
    runs = lines("tests-run")[-LAST_RUNS:]
    since = int(runs[0].split()[0]) if runs else 0
    return {line.split(" ", 2)[2] for line in lines("flaky") if int(line.split()[0]) >= since}


def show():
    print(f"{'when':<17} {'commit':<13} {'tier':<12} {'passed':>7} {'failed':>7} {'flaky':>6} {'seconds':>8}")
    for line in lines("tests-run"):
        when, of, *middle, passed, failed, flaky, seconds = line.split()
        day = time.strftime("%Y-%m-%d %H:%M", time.localtime(int(when)))
        mark = CHANGED if of.endswith(CHANGED) else ""
        print(f"{day:<17} {of[:12] + mark:<13} {' '.join(middle):<12} {passed:>7} {failed:>7} {flaky:>6} {seconds:>8}")
