"""Measures the console as a process, in a pseudo-terminal, and prints one table: start, memory, idle, keys, cancel, tools.

    cargo build --release && python3 benches/budgets.py target/release/quarterdeck

Nothing here is a test: timings on a shared machine are noisy, so medians over many runs are printed beside the
budget. The frame and the loop have their own benches: `cargo bench`.
"""

import fcntl
import os
import pty
import re
import select
import shutil
import socket
import statistics
import struct
import subprocess
import sys
import tempfile
import termios
import time

PLACEHOLDER = b"ask, or : for a command"


class Console:
    """The binary in a pseudo-terminal of 200x60, on the embedded account."""

    def __init__(self, binary, *args, **env):
        self.home = tempfile.mkdtemp()
        env = {"PATH": os.environ["PATH"], "TERM": "xterm-256color", "HOME": self.home, "QUARTERDECK_STATE": self.home, **env}
        master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 60, 200, 0, 0))
        self.began = time.perf_counter()
        self.child = subprocess.Popen([binary, *args], stdin=slave, stdout=slave, stderr=slave, env=env, start_new_session=True)
        os.close(slave)
        self.fd = master

    def read_until(self, wanted, limit=20.0):
        """Seconds from now until `wanted` arrives."""
        begun, seen = time.perf_counter(), b""
        while time.perf_counter() - begun < limit:
            if select.select([self.fd], [], [], 0.5)[0]:
                seen += os.read(self.fd, 1 << 16)
                if (wanted in seen) if isinstance(wanted, bytes) else wanted.search(seen):
                    return time.perf_counter() - begun
        raise TimeoutError(f"{wanted!r} never came: {seen[-2000:]!r}")

    def drain(self, quiet=0.3):
        """Bytes until nothing came for `quiet` seconds."""
        count = 0
        while select.select([self.fd], [], [], quiet)[0]:
            count += len(os.read(self.fd, 1 << 16))
        return count

    def type(self, keys):
        os.write(self.fd, keys)

    def status(self, field):
        with open(f"/proc/{self.child.pid}/status") as file:
            return next(int(line.split()[1]) for line in file if line.startswith(field))

    def cpu(self):
        """Seconds of processor time, and context switches, of all threads."""
        with open(f"/proc/{self.child.pid}/stat") as file:
            fields = file.read().rsplit(")", 1)[1].split()
        ticks = int(fields[11]) + int(fields[12])
        switches = 0
        for thread in os.listdir(f"/proc/{self.child.pid}/task"):
            with open(f"/proc/{self.child.pid}/task/{thread}/status") as file:
                switches += sum(int(l.split()[1]) for l in file if "ctxt_switches" in l)
        return ticks / os.sysconf("SC_CLK_TCK"), switches

    def close(self):
        self.child.kill()
        self.child.wait()
        os.close(self.fd)
        shutil.rmtree(self.home, ignore_errors=True)


def start(binary):
    times, memory = [], []
    for _ in range(30):
        console = Console(binary, "--demo")
        console.read_until(PLACEHOLDER)
        times.append((time.perf_counter() - console.began) * 1000)
        console.drain()
        memory.append(console.status("VmRSS") / 1024)
        console.close()
    return times, memory


def tools(binary):
    times = []
    for _ in range(30):
        begun = time.perf_counter()
        subprocess.run([binary, "tools"], stdout=subprocess.DEVNULL, check=True)
        times.append((time.perf_counter() - begun) * 1000)
    return times


def keys(binary):
    console, times = Console(binary, "--demo"), []
    console.read_until(PLACEHOLDER)
    console.drain(1.0)
    for n in range(200):
        console.type(b"a" if n % 2 == 0 else b"\x7f")
        begun = time.perf_counter()
        select.select([console.fd], [], [], 2)
        times.append((time.perf_counter() - begun) * 1000)
        console.drain(0.01)
    console.close()
    return times


def idle(binary, seconds=30):
    console = Console(binary, "--demo")
    console.read_until(PLACEHOLDER)
    console.drain(2.0)
    before, switches = console.cpu()
    time.sleep(seconds)
    after, more = console.cpu()
    written = console.drain(0.01)
    console.close()
    return (after - before) / seconds * 100, more - switches, written


def cancel(binary):
    """Esc Esc while a read runs against an endpoint that never answers."""
    silent = socket.socket()
    silent.bind(("127.0.0.1", 0))
    silent.listen(64)
    times = []
    for _ in range(5):
        console = Console(binary, "--provider", "offline", AWS_ACCESS_KEY_ID="k", AWS_SECRET_ACCESS_KEY="s",
                          AWS_REGION="eu-west-1", AWS_EC2_METADATA_DISABLED="true",
                          AWS_ENDPOINT_URL=f"http://127.0.0.1:{silent.getsockname()[1]}")
        console.read_until(PLACEHOLDER)
        console.drain(0.5)
        console.type(b"why is checkout failing?\r")
        console.read_until(b"running")
        time.sleep(1)
        console.type(b"\x03")
        times.append(console.read_until(re.compile(rb"cancelled")) * 1000)
        console.close()
    return times


def row(what, values, budget, unit="ms"):
    values = sorted(values)
    p99 = values[min(len(values) - 1, int(len(values) * 0.99))]
    print(f"{what:<34} median {statistics.median(values):8.2f} {unit:<3} p99 {p99:8.2f} {unit:<3} budget {budget}")


def main(binary):
    times, memory = start(binary)
    row("start: exec to first frame", times, "<= 10 ms")
    row("memory at start (resident)", memory, "<= 20 MB", "MB")
    row("quarterdeck tools", tools(binary), "<= 5 ms")
    row("key to bytes, quiet", keys(binary), "<= 1.5 ms")
    row("cancel: Ctrl-C to idle", cancel(binary), "<= 200 ms")
    percent, switches, written = idle(binary)
    print(f"{'idle over 30 s':<34} {percent:.2f} % of a core, {switches} wake-ups, {written} bytes   budget 0, 0, 0")
    print(f"{'binary':<34} {os.path.getsize(binary) / 1e6:.1f} MB   budget <= 40 MB")


if __name__ == "__main__":
    main(sys.argv[1])
