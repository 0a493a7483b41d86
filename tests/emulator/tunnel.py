"""A proxy that only tunnels (CONNECT), and behind it whoever was asked for: it has their certificates, and passes what comes
on to one plain endpoint of the test's.

It prints its port (127.0.0.1) and ends when its standard input closes. Controlled over it, one JSON array a line:

    ["tunnels"]    every host:port that was asked for, and whether anything but CONNECT came

    tunnel.py CERTIFICATE HOST:PORT
"""

import json
import os
import socket
import ssl
import sys
import threading

ASKED = []


def pass_on(source, target):
    try:
        while data := source.recv(65536):
            target.sendall(data)
    except OSError:
        pass
    for end in (source, target):
        try:
            end.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass


def serve(client, context, target):
    head = b""
    while b"\r\n\r\n" not in head:
        more = client.recv(4096)
        if not more:
            return
        head += more
    ASKED.append(head.split(b"\r\n")[0].decode())
    if not head.startswith(b"CONNECT "):
        client.sendall(b"HTTP/1.1 405 Tunnels only\r\ncontent-length: 0\r\n\r\n")
        client.close()
        return
    client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
    inner = context.wrap_socket(client, server_side=True)
    host, port = target.rsplit(":", 1)
    behind = socket.create_connection((host, int(port)))
    threading.Thread(target=pass_on, args=(inner, behind), daemon=True).start()
    pass_on(behind, inner)


def accept(listener, context, target):
    while True:
        client, _ = listener.accept()
        threading.Thread(target=serve, args=(client, context, target), daemon=True).start()


if __name__ == "__main__":
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(sys.argv[1])
    context.set_alpn_protocols(["http/1.1"])
    listener = socket.create_server(("127.0.0.1", 0))
    threading.Thread(target=accept, args=(listener, context, sys.argv[2]), daemon=True).start()
    print(listener.getsockname()[1], flush=True)
    for line in sys.stdin:
        print(json.dumps({"ok": ASKED}), flush=True)
    os._exit(0)
