"""Plays the part of Postgres for bench:archive: asks archive_command or restore_command for one file after the other,
as the archiver and the startup process do, and counts what that costs.

Stdin: {"command": …, "files": […], "directory": …, "service": [argv] or null, "mode": "push" or "get"} as JSON; with the
mode "run" the command is an argv, which runs once, and there is none of the others.
Stdout: {"seconds", "each": [seconds a file], "cpu": seconds of all processes, "peak": bytes} as JSON.

Every process that the command leaves behind becomes a child of this one (PR_SET_CHILD_SUBREAPER), so that its time is
counted and its end waited for.
"""
import ctypes
import json
import os
import resource
import signal
import subprocess
import sys
import threading
import time

PR_SET_CHILD_SUBREAPER = 36
LOOK = 0.05


def descendants(root):
    parents = {}
    for name in os.listdir("/proc"):
        if not name.isdigit():
            continue
        try:
            with open(f"/proc/{name}/stat", encoding="latin1") as file:
                text = file.read()
        except OSError:
            continue
        parents[int(name)] = int(text[text.rindex(")") + 2 :].split()[1])
    found = []
    for pid in parents:
        up = pid
        while up in parents and up != root:
            up = parents[up]
        if up == root and pid != root:
            found.append(pid)
    return found


def memory(pid):
    """Proportional set size: what is shared counts by its share."""
    try:
        with open(f"/proc/{pid}/smaps_rollup", encoding="latin1") as file:
            for line in file:
                if line.startswith("Pss:"):
                    return int(line.split()[1]) * 1024
    except OSError:
        pass
    return 0


class Peak(threading.Thread):
    def __init__(self):
        super().__init__(daemon=True)
        self.bytes = 0
        self.ended = False

    def run(self):
        while not self.ended:
            self.bytes = max(self.bytes, sum(memory(pid) for pid in descendants(os.getpid())))
            time.sleep(LOOK)


def reap():
    while True:
        try:
            if os.waitpid(-1, 0)[0] == 0:
                return
        except ChildProcessError:
            return


def push(command, directory, name):
    status = os.path.join(directory, "pg_wal", "archive_status")
    text = command.replace("%p", f"pg_wal/{name}").replace("%f", name)
    while subprocess.call(["sh", "-c", text], cwd=directory) != 0:
        time.sleep(0.05)
    os.rename(os.path.join(status, f"{name}.ready"), os.path.join(status, f"{name}.done"))


def get(command, directory, name):
    target = os.path.join(directory, "pg_wal", "RECOVERYXLOG")
    text = command.replace("%p", "pg_wal/RECOVERYXLOG").replace("%f", name)
    if subprocess.call(["sh", "-c", text], cwd=directory) != 0:
        sys.exit(f"{name} was not restored")
    if os.path.getsize(target) != 16 * 1024 * 1024:
        sys.exit(f"{name} is not whole")
    os.unlink(target)


def run(command):
    code = subprocess.call(command, stdin=subprocess.DEVNULL, stdout=sys.stderr)
    if code != 0:
        sys.exit(f"{command[0]} ended with {code}")


def main():
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    work = json.load(sys.stdin)
    peak = Peak()
    peak.start()
    service = None
    if work.get("service") is not None:
        service = subprocess.Popen(work["service"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        service.stdout.readline()
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    each = []
    began = time.monotonic()
    if work["mode"] == "run":
        run(work["command"])
    for name in work.get("files", []):
        started = time.monotonic()
        (push if work["mode"] == "push" else get)(work["command"], work["directory"], name)
        each.append(time.monotonic() - started)
    seconds = time.monotonic() - began
    if service is not None:
        service.stdin.close()
    reap()
    peak.ended = True
    peak.join()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    json.dump({"seconds": seconds, "each": each, "cpu": cpu, "peak": peak.bytes}, sys.stdout)


signal.signal(signal.SIGPIPE, signal.SIG_IGN)
main()
