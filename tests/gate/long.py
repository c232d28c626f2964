"""The long tier: what takes minutes, or luck with real time. `--all` runs it whole, each gate a slice of it.

`tests/long.tsv` has what it is made of, with the seconds that `--all` has measured:

  test  PROGRAM NAME    a test that the default filter of .config/nextest.toml leaves out
  h2    PROGRAM         a suite over HTTP/2
  tls   PROGRAM         a suite over TLS
  seeds NAME            tests by chance, with more seeds than in the gate
  check NAME            a command
"""

import os
import subprocess

import history

TABLE = os.path.join("tests", "long.tsv")
# The commit for which all of it has passed last.
PASSED = os.path.join("tests", "all-passed")

# A gate's slice: so many seconds, and one more for each commit since all of it has passed.
SLICE_SECONDS = 60
MOST_SLICE_SECONDS = 900
UNKNOWN_SLICE_SECONDS = 120
# After so many commits no slice is enough.
MOST_COMMITS = 600

# The same suites over other transports.
SUITES = ["request_bodies", "changing_files", "gzip", "auth_request", "maps", "set", "timeouts", "slow_clients", "pace", "dav",
          "ranges", "conditional"]
# What names the scheme, or a reason that HTTP/2 does not send, is left out.
NOT_ELSEWHERE = ["files_and_answers_are_as_nginx_leaves_them", "who_accepts_it_gets_it_as_from_nginx"]
# Of events what is asked with curl; the rest is a connection's bytes, which would be HTTP/1.
EVENTS_OVER_H2 = ["cursors", "guard", "gzip", "limits", "manage", "publish", "retries", "templates", "words"]
# Those know the bytes on the wire, or connect by themselves.
NOT_OVER_TLS = [*NOT_ELSEWHERE, "stopped::", "busy_readers_are_sent_away", "a_proxy_passes_events_on",
                "pings_go_out_and_the_silent_are_gone", "who_is_kept_from_hearing_the_head"]


def over_h2(suite):
    if suite == "events":
        return f"(binary(=events) and test(/^({'|'.join(EVENTS_OVER_H2)})::/))"
    return f"(binary(={suite}) and not test(/{'|'.join(NOT_ELSEWHERE)}/))"


def over_tls(suite):
    return f"(binary(={suite}) and not test(/{'|'.join(NOT_OVER_TLS)}/))"


# Kind: what a stage is called, the suites, and the tests of one.
TRANSPORTS = {
    "h2": ("over HTTP/2", [*SUITES, "events"], over_h2),
    "tls": ("over TLS", [*SUITES, "keepalive", "events", "differential"], over_tls),
}

# Name: the tests, what makes them go on, and the variable that takes the commit's number as the first seed. `search` has none: each difference
# that it finds is one to think about, so what is new is looked for by hand, not by whoever lands next.
SEEDS = {
    "chaos": ("binary(=chaos)", {"RSERVE_CHAOS_SECONDS": "30"}, "RSERVE_CHAOS_SEED"),
    "life": ("binary(=life)", {"RSERVE_LIFE_SEEDS": "40"}, "RSERVE_LIFE_SEED"),
    "search": ("binary(=search)", {"RSERVE_SEARCH_SECONDS": "40"}, None),
    "power": ("package(=rserve-wal) and test(/power/)", {"RSERVE_WAL_SEEDS": "10000"}, "RSERVE_WAL_SEED"),
    "log": ("package(=rserve-broadcast) and test(/simulation/)", {"RSERVE_SEEDS": "300"}, None),
    "fuzz": ("package(=fuzz)", {"RSERVE_FUZZ_TIMES": "10"}, None),
}

CHECKS = {
    "a small server": ["clippy", "--no-default-features", "--features", "static", "--", "-D", "warnings"],
    "documentation": ["doc", "--workspace", "--no-deps"],
}


class Unit:
    """A line of the table."""

    def __init__(self, seconds, kind, name):
        self.seconds = seconds
        self.kind = kind
        self.name = name


def units(root):
    try:
        with open(os.path.join(root, TABLE)) as file:
            rows = [line.rstrip("\n").split("\t") for line in file if line.strip() and not line.startswith("#")]
    except OSError:
        return []
    return [Unit(float(seconds), kind, name) for seconds, kind, name in rows]


def passed(root):
    """The commit for which all of it has passed last."""
    try:
        with open(os.path.join(root, PASSED)) as file:
            return file.read().strip()
    except OSError:
        return None


def commits_since_all(root):
    """How many commits there are since then; None: nobody knows."""
    since = passed(root)
    if since is None:
        return None
    done = subprocess.run(["git", "-C", root, "rev-list", "--count", f"{since}..HEAD"], capture_output=True, text=True)
    return int(done.stdout) if done.returncode == 0 else None


def chosen(root, commit):
    """The units of a slice: the table is a ring, and the commit says where to begin; as many as there is time for."""
    ring, commits = units(root), commits_since_all(root)
    left = UNKNOWN_SLICE_SECONDS if commits is None else min(SLICE_SECONDS + commits, MOST_SLICE_SECONDS)
    print(f"\nslice {commit[:8]}: {left} s of the long tier, which has passed {'at some time' if commits is None else f'{commits} commits ago'}")
    first = number(commit) % len(ring) if ring else 0
    fitting = []
    for unit in ring[first:] + ring[:first]:
        if unit.seconds <= left:
            fitting.append(unit)
            left -= unit.seconds
    return fitting


def number(commit):
    """What chance is decided by: who runs a commit again runs the same."""
    return int(commit[:8], 16)


def any_of(filters):
    return "(" + " or ".join(filters) + ")"


def exactly(name):
    program, test = name.split(" ", 1)
    return f"(binary_id(={program}) and test(={test}))"


def over(run, kind, suites):
    name, _, filter = TRANSPORTS[kind]
    return run.test(name, 1800, any_of(map(filter, suites)), {"RSERVE_TRANSPORT": kind})


def seeds(run, name):
    filter, more, first = SEEDS[name]
    first = {first: str(number(run.commit))} if first else {}
    return run.test(f"seeds: {name}", 1200, filter, {**more, **first})


def check(run, name):
    run.check(name, ["cargo", CHECKS[name][0], "--locked", "--profile", "ci", *CHECKS[name][1:]], 900)


def run_units(run, units):
    """Runs units, those of a kind together where they can be."""
    of = {kind: [unit.name for unit in units if unit.kind == kind] for kind in ("test", *TRANSPORTS, "seeds", "check")}
    if of["test"]:
        # One that has another name by now is left out, until the table is written anew.
        run.test("long tests", 1800, any_of(map(exactly, of["test"])), must_be=False)
    for kind in TRANSPORTS:
        if of[kind]:
            over(run, kind, of[kind])
    for name in of["seeds"]:
        seeds(run, name)
    for name in of["check"]:
        check(run, name)


def whole(run):
    """Runs all of it; gives the table anew."""
    rows = [(test.seconds, "test", str(test)) for test in run.test("long tests", 3600, "not default()")]
    for kind, (_, suites, _) in TRANSPORTS.items():
        began, tests = len(run.stages), over(run, kind, suites)
        # Several at once: of the stage's time each has a part.
        share = run.stages[began].seconds / max(sum(test.seconds for test in tests), 1)
        for suite in suites:
            rows.append((share * sum(test.seconds for test in tests if test.program.endswith("::" + suite)), kind, suite))
    for name in SEEDS:
        began = len(run.stages)
        seeds(run, name)
        rows.append((run.stages[began].seconds, "seeds", name))
    for name in CHECKS:
        check(run, name)
        rows.append((run.stages[-1].seconds, "check", name))
    return rows


def write(root, rows, commit, has_passed):
    """Writes the table, and that all of it has passed, if so: for a commit, not for files that differ from it."""
    with open(os.path.join(root, TABLE), "w") as file:
        file.write("# The long tier, with the seconds that each took (tests/run --all writes it)\n")
        for seconds, kind, name in sorted(rows, key=lambda row: row[1:]):
            file.write(f"{seconds:.1f}\t{kind}\t{name}\n")
    if has_passed and not commit.endswith(history.CHANGED):
        with open(os.path.join(root, PASSED), "w") as file:
            file.write(commit + "\n")
