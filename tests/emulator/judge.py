"""Judges request bodies by the vendors' own types: the Python SDKs' parameter types, and botocore's service model.

Controlled over standard input, one JSON array a line, each answered by one line of JSON (the first line it prints is 0:
there is no port). It ends when the input closes.

    ["judge", "messages" | "chat" | "responses" | "converse", body]    returns a list of what is wrong; also "count",
                           "input_tokens" and "converse-count" for bodies that have a request counted
    ["signed", request]    the same for the signature of a request as it arrived: method, url, headers (names in lower case),
                           body, key (id, secret, session token or null)
"""

import json
import sys
import typing

# The SDKs type lists as Iterable, which validation only looks at when somebody iterates.
typing.Iterable = typing.List

import botocore.auth
import botocore.awsrequest
import botocore.credentials
import botocore.session
import botocore.validate
import pydantic
import typing_extensions
from anthropic.types import message_count_tokens_params, message_create_params
from openai.types.chat import completion_create_params
from openai.types.responses import input_token_count_params, response_create_params

TYPES = {
    "messages": message_create_params.MessageCreateParamsStreaming,
    "count": message_count_tokens_params.MessageCountTokensParams,
    "input_tokens": input_token_count_params.InputTokenCountParams,
    "chat": completion_create_params.CompletionCreateParamsStreaming,
    "responses": response_create_params.ResponseCreateParamsStreaming,
}


def strict():
    """Unknown fields are errors everywhere but in JSON schemas, which are free."""
    for name, module in list(sys.modules.items()):
        if not name.startswith(("anthropic.types", "openai.types")):
            continue
        for value in list(vars(module).values()):
            if typing_extensions.is_typeddict(value) and "Schema" not in value.__name__:
                value.__pydantic_config__ = {"extra": "forbid", "arbitrary_types_allowed": True}


def converse(body, operation):
    model = botocore.session.get_session().get_service_model("bedrock-runtime")
    shape = model.operation_model(operation).input_shape
    report = botocore.validate.ParamValidator().validate({**body, "modelId": "m"}, shape)
    return report.generate_report().splitlines()


def signed(request):
    """Signs the same request as botocore does, at the time and for the scope it claims, and compares."""
    headers = request["headers"]
    fields = dict(part.split("=", 1) for part in headers["authorization"].split(" ", 1)[1].split(", "))
    key, _, region, service, _ = fields["Credential"].split("/")
    names = fields["SignedHeaders"].split(";")
    wrong = [f"{name} is not signed" for name in ("host", "x-amz-date") if name not in names]
    if key != request["key"][0]:
        wrong.append("another key")
    credentials = botocore.credentials.Credentials(*request["key"])
    ours = botocore.awsrequest.AWSRequest(
        method=request["method"],
        url=request["url"],
        data=request["body"].encode(),
        headers={name: headers[name] for name in names},
    )
    ours.context["timestamp"] = headers["x-amz-date"]
    # Its own choice of headers leaves some out: the signature must be over those it names.
    signer = botocore.auth.SigV4Auth(credentials, service, region)
    signer.SIGNED_HEADERS_BLACKLIST = []
    signer.headers_to_sign = lambda _: ours_headers(ours)
    text = signer.string_to_sign(ours, signer.canonical_request(ours))
    if signer.signature(text, ours) != fields["Signature"]:
        wrong.append(f"another signature than botocore's, which signs {text!r}")
    return wrong


def ours_headers(request):
    """The headers that were signed, as botocore keeps them."""
    chosen = botocore.auth.HTTPHeaders()
    for name, value in request.headers.items():
        chosen[name.lower()] = value
    return chosen


ADAPTERS = {}


def judge(kind, body):
    if kind.startswith("converse"):
        return converse(body, "ConverseStream" if kind == "converse" else "CountTokens")
    if kind not in ADAPTERS:
        ADAPTERS[kind] = pydantic.TypeAdapter(TYPES[kind])
    try:
        ADAPTERS[kind].validate_python(body)
    except pydantic.ValidationError as error:
        return [f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()[:8]]
    return []


def main():
    strict()
    print(0, flush=True)
    for line in sys.stdin:
        try:
            what, *rest = json.loads(line)
            answer = {"ok": {"judge": judge, "signed": signed}[what](*rest)}
        except Exception as error:  # told to the test, which fails with it
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer, default=str), flush=True)


if __name__ == "__main__":
    main()
