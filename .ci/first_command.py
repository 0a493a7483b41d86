"""Runs a command in a pseudo-terminal of 120x40 and waits until the console is up: the account and the composer are on
the screen. Then quits with Ctrl-C twice and expects exit code 0 and a restored terminal. Exits 1 with what was seen otherwise."""

import fcntl
import os
import pty
import select
import struct
import sys
import tempfile
import termios
import time

WANTED = (b"DEMO", b"ask, or : for a command")
LIMIT = 1800


def main(command):
    pid, fd = pty.fork()
    if pid == 0:
        os.environ.update(TERM="xterm-256color", QUARTERDECK_STATE=tempfile.mkdtemp())
        for name in ("AWS_PROFILE", "AWS_REGION", "ANTHROPIC_API_KEY", "NO_COLOR"):
            os.environ.pop(name, None)
        os.execvp(command[0], command)
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
    seen, end, asked = b"", time.monotonic() + LIMIT, 0
    while time.monotonic() < end:
        if select.select([fd], [], [], 0.2)[0]:
            try:
                data = os.read(fd, 65536)
            except OSError:
                break
            if not data:
                break
            seen += data
        up = all(word in seen for word in WANTED)
        if up and asked < 2:
            time.sleep(0.5)
            os.write(fd, b"\x03")
            asked += 1
    _, status = os.waitpid(pid, 0)
    code = os.waitstatus_to_exitcode(status)
    missing = [w.decode() for w in WANTED if w not in seen]
    restored = b"\x1b[?1049l" in seen
    if missing or code != 0 or not restored:
        sys.stdout.write(seen.decode(errors="replace")[-6000:])
        print(f"\nmissing on the screen: {missing}; exit code {code}; terminal restored: {restored}")
        return 1
    print("the console came up, showed its account, and left the terminal as it was")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
