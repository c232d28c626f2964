"""What the comparisons share: two servers, one processor for each side, the median, the page of figures."""
import os, pathlib, re, resource, shutil, signal, socket, subprocess, sys, tempfile, time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))


def need(*tools):
    """Ends the program if one of these (tool, Debian package) is not there."""
    for tool, package in tools:
        if not shutil.which(tool):
            sys.exit(f"{tool} is missing: install the Debian package {package}")


def raise_limit():
    """As many descriptors as this process and its children may have."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


def work_directory():
    """A directory for servers; their workers may run as somebody else."""
    directory = tempfile.mkdtemp(prefix="rserve-bench-")
    os.chmod(directory, 0o755)
    pathlib.Path(directory, "logs").mkdir()
    return directory


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def median(values):
    return sorted(values)[len(values) // 2]


class Server:
    """One of the two servers with one worker on processor 0.

    `name` is nginx or rserve; `conf` has the places {name}, {dir}, {port} and {temp}: where nginx is
    to put what its package would let it write elsewhere."""

    def __init__(self, name, conf, directory):
        self.port = free_port()
        temp = "".join(
            f"{kind}_temp_path {directory}/{kind}; "
            for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        values = {"name": name, "dir": directory, "port": self.port,
                  "temp": temp if name == "nginx" else ""}
        for key, value in values.items():
            conf = conf.replace("{" + key + "}", str(value))
        path = pathlib.Path(directory, f"{name}.conf")
        path.write_text(conf)
        # By its whole path: an upgrade (USR2) executes what the first one was called.
        binary = shutil.which("nginx") if name == "nginx" else str(TARGET / "release/rserve")
        log = open(f"{directory}/{name}.stderr", "w")
        self.master = subprocess.Popen(
            ["taskset", "-c", "0", binary, "-p", directory, "-c", str(path)],
            stdout=subprocess.DEVNULL, stderr=log)
        deadline = time.time() + 10
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                break
            except OSError:
                if self.master.poll() is not None or time.time() > deadline:
                    sys.exit(f"{name} did not start:\n{pathlib.Path(log.name).read_text()}")
        children = pathlib.Path(f"/proc/{self.master.pid}/task/{self.master.pid}/children")
        while not children.read_text():
            pass
        self.worker = int(children.read_text().split()[0])

    def cpu_ns(self):
        return int(pathlib.Path(f"/proc/{self.worker}/schedstat").read_text().split()[0])

    def pss(self):
        rollup = pathlib.Path(f"/proc/{self.worker}/smaps_rollup").read_text()
        return int(re.search(r"^Pss:\s+(\d+)", rollup, re.M)[1]) << 10

    def url(self, path):
        return f"http://127.0.0.1:{self.port}{path}"

    def stop(self):
        self.master.send_signal(signal.SIGTERM)
        self.master.wait()


def wrk(server, path, arguments, script, seconds):
    command = ["taskset", "-c", "1", "wrk", "-t1", f"-d{seconds}s", *arguments]
    if script:
        command += ["-s", str(HERE / script)]
    command += [server.url(path)]
    out = subprocess.run(command, capture_output=True, text=True, timeout=seconds + 30).stdout
    done = re.search(r"(\d+) requests in", out)
    if not done or ("Non-2xx" in out and script != "conditional.lua"):
        sys.exit(f"wrk failed:\n{out}")
    errors = re.search(r"Socket errors.*", out)
    if errors:
        print(f"  {errors[0]}", file=sys.stderr)
    return int(done[1])


def cost(server, case, seconds):
    _, _, path, arguments, script = case
    before = server.cpu_ns()
    done = wrk(server, path, arguments, script, seconds)
    return (server.cpu_ns() - before) / 1000 / done


def processor_time(cases, start, seconds, rounds, only):
    """Rows of cases (name, settings, path, arguments of wrk, script); `start` starts a server by name and settings."""
    rows = []
    for case in (case for case in cases if only in case[0]):
        both = {name: start(name, case[1]) for name in ("nginx", "rserve")}
        for server in both.values():
            cost(server, case, 1)  # warm
        costs = {"nginx": [], "rserve": []}
        for _ in range(rounds):
            for name, server in both.items():
                costs[name].append(cost(server, case, seconds))
        for server in both.values():
            server.stop()
        nginx, rserve = median(costs["nginx"]), median(costs["rserve"])
        rows.append(f"| {case[0]} | {nginx:.1f} | {rserve:.1f} | {rserve / nginx:.2f} |")
        print(rows[-1], flush=True)
    return rows


def write(name, table):
    """Puts a table between the marks of that name in benches/README.md."""
    page = ROOT / "benches/README.md"
    begin, end = f"<!-- {name} -->\n", f"\n<!-- /{name} -->"
    head, rest = page.read_text().split(begin)
    page.write_text(head + begin + "\n".join(table) + end + rest.split(end, 1)[1])
