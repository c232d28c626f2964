"""A stage: one command with an end of its own, whatever becomes of what it starts.

What a command prints goes to a file, which is followed, not through a pipe: a process that was left behind would hold the
pipe, and the run would wait for it.
"""

import os
import resource
import signal
import subprocess
import sys
import time

POLL_SECONDS = 0.1
# After SIGTERM; a test runner ends its tests meanwhile.
GRACE_SECONDS = 10


class Stage:
    """What became of a command: `status` (None: it had to be ended), wall and core seconds, and what it said."""

    def __init__(self, name, status, seconds, core_seconds, log):
        self.name = name
        self.status = status
        self.seconds = seconds
        self.core_seconds = core_seconds
        self.log = log

    @property
    def succeeded(self):
        return self.status == 0


class Running:
    """A command that was started and has at most `limit` seconds; its output is kept in a file under `logs`."""

    def __init__(self, name, command, logs, limit, env=None):
        self.name = name
        self.limit = limit
        self.log = os.path.join(logs, name.replace(" ", "-").replace("/", "_") + ".log")
        self.began = time.monotonic()
        with open(self.log, "wb") as output:
            self.child = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
                env={**os.environ, **(env or {})}, start_new_session=True)

    def finish(self):
        """Shows what it says until it ends; gives the stage. What ran beside it meanwhile is in its core seconds."""
        print(f"\n== {self.name}", flush=True)
        core, ended = core_seconds(), False
        with open(self.log, "rb") as said:
            while not ended and time.monotonic() - self.began <= self.limit:
                ended = self.child.poll() is not None
                show(said)
                if not ended:
                    time.sleep(POLL_SECONDS)
            if not ended:
                end(self.child)
                print(f"== {self.name}: ended after its limit of {self.limit} s", flush=True)
            show(said)
        status = self.child.returncode if ended else None
        return Stage(self.name, status, time.monotonic() - self.began, core_seconds() - core, self.log)


def run(name, command, logs, limit, env=None):
    """Runs a command to its end."""
    return Running(name, command, logs, limit, env).finish()


def show(said):
    text = said.read()
    if text:
        sys.stdout.buffer.write(text)
        sys.stdout.flush()


def end(child):
    """Ends a command and its process group."""
    for name, patience in ((signal.SIGTERM, GRACE_SECONDS), (signal.SIGKILL, GRACE_SECONDS)):
        try:
            os.killpg(child.pid, name)
            child.wait(patience)
            return
        except ProcessLookupError:
            return
        except subprocess.TimeoutExpired:
            continue


def core_seconds():
    """What the processes that have ended have used of the processors."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
