"""Which of the long tier a change touches."""

import re
import subprocess

# What stands under such paths is tried by these: a filter of long tests, or "h2", "tls", "seeds", and checks by their names.
TOUCHES = [
    (r"modules/(hls|stream_live)/|src/proto/(fmp4|ts|hls|dash)/", ["binary(players)", "binary(browser) and test(/hls|quality|one_address/)"]),
    (r"modules/record/", ["binary(browser) and test(/recordings/)"]),
    (r"modules/rtmp/", ["binary(browser) and test(/live/)"]),
    (r"conf/html/", ["binary(browser)"]),
    (r"src/(broadcast|live|shm)/|modules/sse/", ["binary(clients)", "seeds"]),
    (r"src/wal/|src/(server|rt)/", ["seeds"]),
    (r"src/http/h2/", ["h2"]),
    (r"src/(tls|rt)/", ["tls", "h2"]),
    (r"tests/support/", ["tls", "h2"]),
    (r"src/proto/|src/conf/|tests/fuzz/", ["seeds"]),
    (r"Cargo\.toml$|src/modules\.rs", ["a small server"]),
    (r"\.rs$", ["documentation"]),
]


def files(root, since):
    """The files that differ from a commit, those that are not committed included."""
    done = subprocess.run(["git", "-C", root, "diff", "--name-only", since], capture_output=True, text=True)
    new = subprocess.run(["git", "-C", root, "ls-files", "--others", "--exclude-standard"], capture_output=True, text=True)
    return done.stdout.splitlines() + new.stdout.splitlines()


def touched(paths):
    """What is to be run for them, once each."""
    found = []
    for pattern, units in TOUCHES:
        if any(re.search(pattern, path) for path in paths):
            found += [unit for unit in units if unit not in found]
    return found
