"""Measures the console as a process, in a pseudo-terminal, and prints one table: start, memory, idle, keys, cancel, tools.

    cargo build --release && python3 benches/budgets.py target/release/quarterdeck

Nothing here is a test: timings on a shared machine are noisy, so medians over many runs are printed beside the
budget. The frame and the loop have their own benches: `cargo bench`.
"""

import fcntl
import json
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
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

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


READS = ["get_active_alarms", "list_ecs_services", "list_ec2_instances", "get_target_health", "list_rds_instances",
         "list_lambda_functions", "audit_security_groups", "get_recent_changes"]


class Streaming(BaseHTTPRequestHandler):
    """A model that first calls eight tools, then streams 200 deltas a second until the console goes away."""

    protocol_version = "HTTP/1.1"

    def event(self, kind, **fields):
        data = json.dumps({"type": kind, **fields})
        chunk = f"event: {kind}\ndata: {data}\n\n".encode()
        self.wfile.write(b"%x\r\n%s\r\n" % (len(chunk), chunk))
        self.wfile.flush()

    def block(self, index, begin, *deltas):
        self.event("content_block_start", index=index, content_block=begin)
        for delta in deltas:
            self.event("content_block_delta", index=index, delta=delta)

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        usage = {"input_tokens": 1, "output_tokens": 1}
        self.event("message_start", message={"id": "msg_1", "type": "message", "role": "assistant", "model": "m", "content": [],
                                             "stop_reason": None, "stop_sequence": None, "usage": usage})
        if b"tool_result" not in body:
            for index, name in enumerate(READS):
                self.block(index, {"type": "tool_use", "id": f"toolu_{index}", "name": name, "input": {}})
                self.event("content_block_stop", index=index)
            self.event("message_delta", delta={"stop_reason": "tool_use", "stop_sequence": None}, usage=usage)
            self.event("message_stop")
            self.wfile.write(b"0\r\n\r\n")
            return
        self.block(0, {"type": "text", "text": ""})
        begun, sent = time.perf_counter(), 0
        try:
            while True:
                text = " tasks" if sent % 40 else (" [#4].\n\n- **a new point**:" if sent % 200 else "\n\nA paragraph")
                self.event("content_block_delta", index=0, delta={"type": "text_delta", "text": text})
                sent += 1
                time.sleep(max(0.0, begun + sent / 200 - time.perf_counter()))
        except OSError:
            self.close_connection = True

    def log_message(self, *_):
        pass


def keys_while_streaming(binary):
    """From a key to its character on the screen, while a model streams 200 deltas a second into the chat."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Streaming)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    console = Console(binary, "--demo", "--provider", "anthropic", ANTHROPIC_API_KEY="k",
                      ANTHROPIC_BASE_URL=f"http://127.0.0.1:{server.server_port}")
    console.read_until(PLACEHOLDER)
    console.type(b"why?\r")
    console.read_until(b"new point")
    times = []
    for n in range(400):
        # A letter that nothing else on the screen has, so that its first appearance is the echo.
        letter = "\u00e6\u00f8\u00e5\u00fe\u00f0"[n % 5].encode()
        console.type(letter)
        times.append(console.read_until(letter) * 1000)
        console.type(b"\x15")
        time.sleep(0.02 + 0.003 * (n % 7))
    console.close()
    server.shutdown()
    return times


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
    row("key to bytes, 200 deltas/s", keys_while_streaming(binary), "<= 8 ms p99")
    row("cancel: Ctrl-C to idle", cancel(binary), "<= 200 ms")
    percent, switches, written = idle(binary)
    print(f"{'idle over 30 s':<34} {percent:.2f} % of a core, {switches} wake-ups, {written} bytes   budget 0, 0, 0")
    print(f"{'binary':<34} {os.path.getsize(binary) / 1e6:.1f} MB   budget <= 40 MB")


if __name__ == "__main__":
    main(sys.argv[1])
