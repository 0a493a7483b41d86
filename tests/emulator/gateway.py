"""LiteLLM as a gateway: somebody else's implementation of the model APIs, in front of an endpoint of the test's.

It prints the port it listens on (127.0.0.1) and ends when its standard input closes.

    gateway.py URL      model "claude-sonnet-5-5" is Anthropic's API at URL
"""

import os
import pathlib
import socket
import sys
import tempfile
import threading
import time

KEY = "sk-gateway"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def listens(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def watch(port):
    while not listens(port):
        time.sleep(0.1)
    print(port, file=ANSWERS, flush=True)
    sys.stdin.read()
    os._exit(0)


if __name__ == "__main__":
    ANSWERS, sys.stdout = sys.stdout, sys.stderr
    home, port = tempfile.mkdtemp(), free_port()
    config = pathlib.Path(home, "config.yaml")
    config.write_text(f"""
model_list:
  - model_name: claude-sonnet-5-5
    litellm_params: {{model: anthropic/claude-sonnet-5-5, api_base: "{sys.argv[1]}", api_key: not-a-key}}
litellm_settings: {{telemetry: false}}
""")
    # Nothing is looked up elsewhere.
    os.environ.update(HOME=home, LITELLM_MASTER_KEY=KEY, LITELLM_LOCAL_MODEL_COST_MAP="True", NO_PROXY="127.0.0.1")
    threading.Thread(target=watch, args=(port,), daemon=True).start()
    sys.argv = ["litellm", "--config", str(config), "--host", "127.0.0.1", "--port", str(port)]
    from litellm import run_server

    run_server()
