"""An AWS emulator (moto) behind a front of ours, in one process: faults, delays, canned answers, a call log.

It prints the port it listens on (127.0.0.1) and is controlled over its standard input, one JSON array a line, each
answered by one line of JSON. It ends when the input closes, so that it never outlives the test that started it.

    ["rules", [{"service", "operation", "region": regexes, "dry_run": bool, "delay": s, "code", "status", "message",
                "times", "after", "lost": bool}]]
                                                times: 1 unless given, -1 always; after: calls that pass before it applies;
                                                lost: it is done all the same, and then answered with the code
    ["pages", {"service:Operation": n or [field, n]}]
                                                pages of n: AWS may return fewer than asked for; with a field, moto
                                                itself does not page (EC2: the name of the set)
    ["canned", {"service:Operation": body}]     answered instead of moto's; a list is a page each (the token's name is read off
                                                the request, or off a page that has one; NextToken otherwise); a string is the
                                                body itself (XML), a list of strings pages of it, each with the number of the next as
                                                its token; "service:Operation@region". REST services (eks, lambda,
                                                guardduty, s3, s3:GetPublicAccessBlock of S3 Control too) by operation as well
    ["costs", results]                          what Cost Explorer's GetCostAndUsage answers, one result per distinct request
    ["calls"]                                   [{"service", "operation", "region", "dry_run"}] in order of arrival
    ["peak"]                                    {"all", "scope": {"service/region"}}: most requests open at the same time
    ["forget"]                                  empties the call log and the peaks
    ["reset"]                                   everything back to the beginning
    ["boto", service, region, operation, args]  prepares the account as an outsider would; not logged

CloudWatch's Rust client speaks RPC v2 CBOR, which moto does not: such requests are translated to awsJson 1.0 and back,
with types from botocore's service model.
"""

import base64
import collections
import contextlib
import datetime
import functools
import io
import json
import re
import sys
import threading
import time
from urllib.parse import parse_qsl, urlencode
from xml.etree import ElementTree

import boto3
import botocore.session
import cbor2
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import make_server
from werkzeug.test import Client
from werkzeug.wrappers import Request, Response

EMULATOR = DomainDispatcherApplication(create_backend_app)
LOCK = threading.Lock()
RULES, CALLS, CANNED, PAGES = [], [], {}, {}
OPEN, PEAK = collections.Counter(), collections.Counter()
SESSION = botocore.session.get_session()
TOKENS = ("NextToken", "nextToken", "NextPageToken")


@functools.cache
def rest_routes(service):
    """(method, path, query keys with their values or None, headers, operation), the most specific first."""
    routes = []
    for name in SESSION.get_service_model(service).operation_names:
        operation = SESSION.get_service_model(service).operation_model(name)
        http, members = operation.http, operation.input_shape.members if operation.input_shape else {}
        needed = [members[m].serialization for m in (operation.input_shape.required_members if members else [])]
        path, _, query = http["requestUri"].partition("?")
        path = re.sub(r"\\\{\w+\\\+\\\}", ".+", re.escape(path))
        path = re.sub(r"\\\{\w+\\\}", "[^/]+", path)
        keys = {k: v or None for k, _, v in (part.partition("=") for part in query.split("&") if part)}
        keys |= {at["name"]: None for at in needed if at.get("location") == "querystring"}
        headers = [at["name"] for at in needed if at.get("location") == "header"]
        routes.append((http["method"], re.compile(path.rstrip("/") + "/?"), keys, headers, name))
    return sorted(routes, key=lambda route: (-len(route[2]), -len(route[3]), route[1].pattern.count("[^/]+") + 2 * route[1].pattern.count(".+")))


def rest_operation(service, request):
    """The operation as the service model names it; S3 is path style here."""
    model = {"s3": "s3control" if request.path.startswith("/v20180820/") else "s3"}.get(service, service)
    wire = "xml" if service == "s3" else "rest"
    if model in SESSION.get_available_services():
        for method, path, keys, headers, name in rest_routes(model):
            given = all(k in request.args and v in (None, request.args[k]) for k, v in keys.items())
            given = given and all(header in request.headers for header in headers)
            if method == request.method and given and path.fullmatch(request.path):
                return name, wire
    return f"{request.method} {request.path}", wire


class Call:
    """What a request asks for, read off its headers and body."""

    def __init__(self, request, body):
        scope = re.search(r"Credential=[^/]+/\d+/([^/]+)/([^/]+)/", request.headers.get("Authorization", ""))
        self.region, self.service = scope.groups() if scope else ("", "")
        self.dry_run = False
        self.page = request.args.get("continuation-token", "0")
        target = request.headers.get("X-Amz-Target")
        rpc = re.fullmatch(r"/service/([^/]+)/operation/([^/]+)", request.path)
        if target:
            self.operation, self.wire = target.rsplit(".", 1)[1], "json"
        elif rpc:
            self.operation, self.wire = rpc.group(2), "cbor"
        elif b"Action=" in body:
            form = dict(parse_qsl(body.decode()))
            self.operation = form["Action"]
            self.wire = "ec2" if self.service == "ec2" else "query"
            self.dry_run = form.get("DryRun", "").lower() == "true"
        else:
            self.operation, self.wire = rest_operation(self.service, request)

    def row(self):
        return {"service": self.service, "operation": self.operation, "region": self.region, "dry_run": self.dry_run}


def encode(call, value, status=200, headers=None):
    if call.wire == "cbor":
        return Response(cbor2.dumps(value), status, {"smithy-protocol": "rpc-v2-cbor", **(headers or {})},
                        content_type="application/cbor")
    return Response(json.dumps(value, default=str), status, headers, content_type="application/x-amz-json-1.1")


def failure(call, code, message, status):
    if call.wire == "ec2":
        body = f"<Response><Errors><Error><Code>{code}</Code><Message>{message}</Message></Error></Errors><RequestID>r-1</RequestID></Response>"
    elif call.wire == "query":
        body = f"<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error><RequestId>r-1</RequestId></ErrorResponse>"
    elif call.wire == "xml":
        body = f"<Error><Code>{code}</Code><Message>{message}</Message><RequestId>r-1</RequestId></Error>"
    else:
        return encode(call, {"__type": code, "message": message}, status, {"x-amzn-errortype": code})
    return Response(body, status, content_type="text/xml")


def rule_for(call):
    """The first rule that fits and is not used up; its use is counted."""
    with LOCK:
        for rule in RULES:
            fits = all(re.fullmatch(rule.get(k, ".*"), getattr(call, k)) for k in ("service", "operation", "region"))
            fits = fits and rule.get("dry_run", call.dry_run) == call.dry_run
            if fits and rule.get("after", 0) > 0:
                rule["after"] -= 1
            elif fits and rule.get("times", 1) != 0:
                rule["times"] = rule.get("times", 1) - 1
                return rule
    return None


@contextlib.contextmanager
def counted(call):
    """Counts the request as open while it is."""
    scopes = ("", f"{call.service}/{call.region}")
    with LOCK:
        for scope in scopes:
            OPEN[scope] += 1
            PEAK[scope] = max(PEAK[scope], OPEN[scope])
    try:
        yield
    finally:
        with LOCK:
            OPEN.subtract(scopes)


def plain(value):
    """CBOR values as JSON has them."""
    if isinstance(value, datetime.datetime):
        return value.timestamp()
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items() if v is not None}
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    return value


def typed(value, shape):
    """JSON values with the types the service model gives them."""
    if value is None or shape is None:
        return value
    kind = shape.type_name
    if kind == "structure":
        return {k: typed(v, shape.members.get(k)) for k, v in value.items() if v is not None}
    if kind == "list":
        return [typed(v, shape.member) for v in value]
    if kind == "map":
        return {k: typed(v, shape.value) for k, v in value.items()}
    if kind == "timestamp":
        if not isinstance(value, (int, float)):
            value = datetime.datetime.fromisoformat(str(value).replace("Z", "+00:00")).timestamp()
        return cbor2.CBORTag(1, float(value))
    if kind in ("double", "float"):
        return float(value)
    if kind in ("integer", "long"):
        return int(value)
    return value


CLOUDWATCH = SESSION.get_service_model("cloudwatch")


def bridge(call, request, body, page):
    prefix = request.path.split("/")[2]
    asked = plain(cbor2.loads(body) if body else {})
    headers = {k: v for k, v in request.headers if k.lower() not in ("smithy-protocol", "accept", "content-type", "content-length")}
    headers["X-Amz-Target"] = f"{prefix}.{call.operation}"

    def ask(asked):
        return Client(EMULATOR).post("/", data=json.dumps(asked), headers=headers, content_type="application/x-amz-json-1.0",
                                     base_url=f"http://{request.host}")

    answer = slice_of(asked, *page, ask) if page else ask(asked)
    text = answer.get_data(as_text=True)
    try:
        value = json.loads(text) if text else {}
    except ValueError:
        return encode(call, {"__type": "InternalFailure", "message": text[:200]}, 500)
    if answer.status_code >= 300:
        return encode(call, value, answer.status_code)
    return encode(call, typed(value, CLOUDWATCH.operation_model(call.operation).output_shape))


def control(port, what, *rest):
    endpoint = f"http://127.0.0.1:{port}"
    if what == "calls":
        return CALLS
    if what == "boto":
        service, region, operation, args = rest
        client = boto3.client(service, endpoint_url=endpoint, region_name=region,
                              aws_access_key_id="setup", aws_secret_access_key="setup")
        answer = getattr(client, operation)(**args)
        answer.pop("ResponseMetadata", None)
        return answer
    with LOCK:
        if what == "rules":
            RULES[:] = rest[0]
        elif what == "canned":
            CANNED.update(rest[0])
        elif what == "costs":
            Client(EMULATOR).post("/moto-api/static/ce/cost-and-usage-results", base_url=endpoint,
                                  json={"account_id": "123456789012", "results": rest[0]})
        elif what == "pages":
            PAGES.update(rest[0])
        elif what == "peak":
            return {"all": PEAK[""], "scope": {k: v for k, v in PEAK.items() if k}}
        elif what == "forget":
            CALLS.clear()
            PEAK.clear()
        elif what == "reset":
            for everything in (RULES, CANNED, CALLS, PEAK, PAGES):
                everything.clear()
            Client(EMULATOR).post("/moto-api/reset", base_url=endpoint)
        else:
            raise ValueError(f"no control named {what}")
    return None


@Request.application
def front(request):
    body = request.get_data(cache=True)
    call = Call(request, body)
    if "Credential=setup/" in request.headers.get("Authorization", ""):
        return answer(call, request, body, None)
    if call.service:
        CALLS.append(call.row())
    with counted(call):
        return answer(call, request, body, rule_for(call))


def answer(call, request, body, rule):
    if rule:
        time.sleep(rule.get("delay", 0))
        if rule.get("lost"):
            forward(request, body)
        if rule.get("code"):
            return failure(call, rule["code"], rule.get("message", "injected"), rule.get("status", 400))
    name = f"{call.service}:{call.operation}"
    canned = CANNED.get(f"{name}@{call.region}", CANNED.get(name))
    if canned is not None:
        return from_can(call, body, canned)
    page = PAGES.get(name)
    if isinstance(page, list) and call.wire == "ec2":
        return items_of(request, body, *page)
    if call.wire == "cbor":
        return bridge(call, request, body, page)
    if isinstance(page, int) and call.wire in ("ec2", "query"):
        return forward(request, re.sub(rb"(MaxResults|MaxRecords|PageSize)=\d+", rb"\g<1>=%d" % page, body))
    if isinstance(page, int) and call.wire == "xml":
        return forward(request, body, re.sub(r"max-keys=\d+", f"max-keys={page}", query_of(request)))
    if isinstance(page, int) and call.wire == "rest" and request.method == "GET":
        return forward(request, body, re.sub(r"(maxResults|MaxItems)=\d+", rf"\g<1>={page}", query_of(request)))
    if isinstance(page, int):
        return forward(request, json.dumps({**json.loads(body), "limit": page}).encode())
    if page and request.method == "GET":
        return slice_of({"Marker": request.args.get("Marker", 0)}, *page, lambda _: forward(request, body), ("Marker", "NextMarker"))
    if page:
        return slice_of(json.loads(body or b"{}"), *page, lambda asked: forward(request, json.dumps(asked).encode()))
    return forward(request, body)


def query_of(request):
    return request.query_string.decode()


def from_can(call, body, canned):
    if isinstance(canned, list) and isinstance(canned[0], str):
        form = dict(parse_qsl(body.decode()))
        canned = canned[int(form.get("Marker") or form.get("NextToken") or call.page)]
    if isinstance(canned, str):
        return Response(canned, 200, content_type="text/xml")
    if isinstance(canned, list):
        asked, pages = json.loads(body or b"{}"), len(canned)
        token = next((key for key in TOKENS if key in asked), None)
        page = int(asked.get(token, 0))
        token = token or next((key for key in TOKENS if key in canned[0]), "NextToken")
        canned = {k: v for k, v in canned[page].items() if k != token}
        if page + 1 < pages:
            canned[token] = str(page + 1)
    if call.wire == "cbor":
        canned = typed(canned, CLOUDWATCH.operation_model(call.operation).output_shape)
    return encode(call, canned)


def forward(request, body, query=None):
    environ = dict(request.environ)
    if query is not None:
        environ["QUERY_STRING"] = query
    environ["wsgi.input"] = io.BytesIO(body)
    environ["CONTENT_LENGTH"] = str(len(body))
    return Response.from_app(EMULATOR, environ)


def slice_of(asked, field, size, ask, tokens=None):
    """A page of an operation that moto answers whole; the token is an offset. Tokens: the names of the one asked with and
    of the one answered."""
    token = "NextToken" if field[0].isupper() else "nextToken"
    given, token = tokens or (token, token)
    start = int(asked.pop(given, 0))
    whole = ask(asked)
    if whole.status_code >= 300:
        return whole
    value = json.loads(whole.get_data(as_text=True))
    if start + size < len(value[field]):
        value[token] = str(start + size)
    value[field] = value[field][start:start + size]
    return Response(json.dumps(value), 200, content_type="application/x-amz-json-1.1")


def items_of(request, body, field, size):
    """A page of an EC2 operation that moto answers whole: so many items of the set named field; the token is an offset."""
    form = parse_qsl(body.decode())
    start = int(dict(form).get("NextToken", 0))
    whole = forward(request, urlencode([pair for pair in form if pair[0] not in ("NextToken", "MaxResults")]).encode())
    if whole.status_code >= 300:
        return whole
    ElementTree.register_namespace("", "http://ec2.amazonaws.com/doc/2016-11-15/")
    root = ElementTree.fromstring(whole.get_data(as_text=True))
    space = root.tag.partition("}")[0] + "}" if root.tag.startswith("{") else ""
    items = root.find(space + field)
    all_items = list(items if items is not None else [])
    for item in all_items[:start] + all_items[start + size:]:
        items.remove(item)
    if start + size < len(all_items):
        ElementTree.SubElement(root, space + "nextToken").text = str(start + size)
    return Response(ElementTree.tostring(root), 200, content_type="text/xml")


def main():
    server = make_server("127.0.0.1", 0, front, threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(server.port, flush=True)
    for line in sys.stdin:
        try:
            answer = {"ok": control(server.port, *json.loads(line))}
        except Exception as error:  # told to the test, which fails with it
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer, default=str), flush=True)


if __name__ == "__main__":
    main()
