"""Judges request bodies by the vendors' own types: the Python SDKs' parameter types, and botocore's service model.

Controlled over standard input, one JSON array a line, each answered by one line of JSON (the first line it prints is 0:
there is no port). It ends when the input closes.

    ["judge", kind, body]    returns a list of what is wrong; kinds: messages, chat, responses, converse, and what has tokens
                             counted: count (Anthropic), input_tokens (OpenAI), count_tokens (Bedrock)
"""

import json
import sys
import typing

# The SDKs type lists as Iterable, which validation only looks at when somebody iterates.
typing.Iterable = typing.List

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
    "chat": completion_create_params.CompletionCreateParamsStreaming,
    "responses": response_create_params.ResponseCreateParamsStreaming,
    "input_tokens": input_token_count_params.InputTokenCountParams,
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


ADAPTERS = {}


def judge(kind, body):
    if kind == "converse":
        return converse(body, "ConverseStream")
    if kind == "count_tokens":
        return converse(body, "CountTokens")
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
            if what != "judge":
                raise ValueError(f"no control named {what}")
            answer = {"ok": judge(*rest)}
        except Exception as error:  # told to the test, which fails with it
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer, default=str), flush=True)


if __name__ == "__main__":
    main()
