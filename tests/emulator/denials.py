"""ministack, an AWS emulator that evaluates IAM policies, for what a call without permission really answers.

It prints the port it listens on (127.0.0.1) and is controlled over its standard input, one JSON array a line, each
answered by one line of JSON. It ends when the input closes.

    ["user", name, policies]            a user with these inline policies (a list of documents); returns [key id, secret]
    ["boto", service, region, operation, args]
                                        prepares the account as its root; not subject to any policy
"""

import json
import os
import socket
import sys
import tempfile
import threading
import time

import botocore.session


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def listens(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def client(port, service, region):
    return botocore.session.get_session().create_client(
        service, region, endpoint_url=f"http://127.0.0.1:{port}", aws_access_key_id="test", aws_secret_access_key="test"
    )


def control(port, what, *rest):
    if what == "boto":
        service, region, operation, args = rest
        answer = getattr(client(port, service, region), operation)(**args)
        answer.pop("ResponseMetadata", None)
        return answer
    if what == "user":
        name, policies = rest
        iam = client(port, "iam", "us-east-1")
        iam.create_user(UserName=name)
        for n, policy in enumerate(policies):
            iam.put_user_policy(UserName=name, PolicyName=f"p{n}", PolicyDocument=json.dumps(policy))
        key = iam.create_access_key(UserName=name)["AccessKey"]
        return [key["AccessKeyId"], key["SecretAccessKey"]]
    raise ValueError(f"no control named {what}")


def commands(port):
    while not listens(port):
        time.sleep(0.05)
    print(port, file=ANSWERS, flush=True)
    for line in sys.stdin:
        try:
            answer = {"ok": control(port, *json.loads(line))}
        except Exception as error:  # told to the test, which fails with it
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer, default=str), file=ANSWERS, flush=True)
    os._exit(0)


if __name__ == "__main__":
    # The emulator prints what it likes; the answers keep the real standard output to themselves.
    ANSWERS, sys.stdout = sys.stdout, sys.stderr
    port = free_port()
    os.environ.update(BIND_HOST="127.0.0.1", GATEWAY_PORT=str(port), AUTH="true", HOME=tempfile.mkdtemp())
    threading.Thread(target=commands, args=(port,), daemon=True).start()
    sys.argv = ["ministack"]
    from ministack.app import main

    main()
