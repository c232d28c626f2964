"""What the RTMP comparisons share: both servers with the same configuration, and rtmp-load."""
import contextlib, json, os, pathlib, shutil, signal, subprocess, sys, tempfile, time

import bench
from bench import ROOT, TARGET, median

MODULE = "/usr/lib/nginx/modules/ngx_rtmp_module.so"
COMMON = """{main}worker_processes {workers}; daemon off; pid {dir}/{name}.pid;
error_log {dir}/{name}-error.log; worker_rlimit_nofile {limit};
events { worker_connections {limit}; }
rtmp { {tuned} server { listen 127.0.0.1:{port}; application live { live on; {live} } } }"""

# What differs. nginx-rtmp is tuned as its expert would: nothing is dropped while a player reads.
SERVERS = {
    "nginx-rtmp": {
        "main": f"load_module {MODULE}; user root; ",
        "tuned": "access_log off; out_queue 4096; chunk_size 4096; ack_window 50000000;",
        "live": "wait_key on;",
        # Workers share streams only so: each sends what it gets to every other one. Debian's
        # listens for that and does not accept: `ss -xl` shows the connection in the queue.
        "shared": "rtmp_auto_push on; rtmp_auto_push_reconnect 100ms; rtmp_socket_dir {dir}; ",
    },
    "rserve": {"main": "", "tuned": "access_log off;", "live": "", "shared": ""},
    "rserve merged": {
        "main": "", "tuned": "access_log off;", "live": "merge_write 100ms;", "shared": ""},
}


def need():
    bench.need(("nginx", "nginx"), ("taskset", "util-linux"))
    if not pathlib.Path(MODULE).exists():
        sys.exit(f"{MODULE} is missing: install the Debian package libnginx-mod-rtmp")


def build(names):
    """The load, and rserve if it is to be measured."""
    packages = ["-p", "rtmp-load"] + (["-p", "rserve"] if set(names) - {"nginx-rtmp"} else [])
    subprocess.run(["cargo", "build", "--release", *packages], cwd=ROOT, check=True)


def configuration(name, workers, shared, live=""):
    settings = SERVERS[name]
    conf = COMMON.replace("{main}", settings["main"] + (settings["shared"] if shared else ""))
    limit = min(bench.raise_limit(), 20000)
    for key, value in (("tuned", settings["tuned"]), ("live", settings["live"] + live),
                       ("workers", str(workers)), ("limit", str(limit))):
        conf = conf.replace("{" + key + "}", value)
    return conf


class Server(bench.Server):
    """One of the servers on processor 0. `shared`: workers are to share streams, if that has to be said."""

    def __init__(self, name, directory, workers=1, shared=False, live=""):
        file = {"nginx-rtmp": "nginx"}.get(name, name.replace(" ", "-"))
        super().__init__(file, configuration(name, workers, shared, live), directory)
        self.file, self.directory = file, directory
        self.workers = children(self.master.pid, workers)

    def cpu_ns(self):
        """Of all threads: files are written by others than the one that serves."""
        total = 0
        for pid in self.workers:
            for thread in pathlib.Path(f"/proc/{pid}/task").iterdir():
                total += int((thread / "schedstat").read_text().split()[0])
        return total


def children(pid, count=1):
    """The processes that it has started, at least so many."""
    path = pathlib.Path(f"/proc/{pid}/task/{pid}/children")
    deadline = time.time() + 10
    while True:
        found = [int(word) for word in path.read_text().split()]
        if len(found) >= count:
            return found
        if time.time() > deadline:
            sys.exit(f"{pid} has {len(found)} workers instead of {count}")
        time.sleep(0.01)


class Load:
    """rtmp-load on processor 1, its clients connected and served."""

    def __init__(self, server, flags):
        command = ["taskset", "-c", "1", str(TARGET / "release/rtmp-load"),
                   "--target", f"127.0.0.1:{server.port}", "--wait", *flags.split()]
        self.flags = flags
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.expect("READY")

    def expect(self, word):
        line = self.process.stdout.readline()
        if word not in line:
            sys.exit(f"rtmp-load has given up: {self.flags}")
        return line

    def begin(self):
        self.process.stdin.write("\n")
        self.process.stdin.flush()

    def end(self):
        return json.loads(self.expect("{"))

    def round(self, server):
        """What it counted, with the workers' microseconds as "cpu"."""
        before = server.cpu_ns()
        self.begin()
        result = self.end()
        result["cpu"] = (server.cpu_ns() - before) / 1000
        return result

    def close(self):
        self.process.stdin.close()
        self.process.wait()


@contextlib.contextmanager
def streams(name, live, options, zones=""):
    """A server that does more with each stream, and who publishes them. {files} in the settings is a directory in memory, or in
    options.files."""
    place = getattr(options, "files", None) or "/dev/shm"
    files = pathlib.Path(tempfile.mkdtemp(prefix="rserve-bench-", dir=place))
    files.chmod(0o777)
    directory = bench.work_directory()
    known = dict(SERVERS[name])
    zones = f" rtmp_zone 1g; {zones}" if name == "rserve" else ""
    SERVERS[name] = known | {"live": known["live"] + live.replace("{files}", str(files)),
                             "tuned": known["tuned"] + zones,
                             "main": known["main"] or "user root; "}
    try:
        server = Server(name, directory)
    finally:
        SERVERS[name] = known
    try:
        load = Load(server, f"--publishers {options.streams} --bits {options.bits} --rate 30 --group 60"
                            f" --audio on --seconds {options.seconds}")
        try:
            yield server, load
        finally:
            load.close()
    finally:
        server.stop()
        shutil.rmtree(files, ignore_errors=True)
        shutil.rmtree(directory, ignore_errors=True)


def round_of(server, load, options):
    """The worker's processor time in µs for a second of a stream."""
    return load.round(server)["cpu"] / options.seconds / options.streams


def of_stream(name, live, options, zones="", warm=0):
    """That of a server by itself, and its memory in MiB. Nothing is measured in the first `warm` seconds."""
    with streams(name, live, options, zones) as (server, load):
        unmeasured = 1 + warm // options.seconds
        results = [round_of(server, load, options) for _ in range(options.rounds + unmeasured)]
        return median(results[unmeasured:]), server.pss() / 1048576


class Only:
    """While it lasts one worker alone accepts connections: the others are stopped."""

    def __init__(self, server, worker):
        self.others = [pid for pid in server.workers if pid != worker]

    def __enter__(self):
        for pid in self.others:
            os.kill(pid, signal.SIGSTOP)
        time.sleep(0.1)

    def __exit__(self, *_):
        for pid in self.others:
            os.kill(pid, signal.SIGCONT)
