#!/usr/bin/python3
"""Hold the contract to what buf lint cannot see.

Every method names its roles; request_id is on mutating methods and only there; no viewer
mutates; REST paths are unique and bind to fields; every text, byte string, list and map has a
limit; enums accept known values only; nothing recurses; docs/contract.md lists exactly what is
there (--write brings its tables up to date).
"""
import importlib
import pathlib
import re
import subprocess
import sys
import tempfile

from google.protobuf import descriptor_pb2
from google.protobuf.descriptor import FieldDescriptor as F

ROOT = pathlib.Path(__file__).resolve().parent.parent
DOC = ROOT / "docs" / "contract.md"
SERVICES = ("SalesAgent", "Outreach", "Coaching", "Forecast", "Admin")
VIEWER = 5
LETTERS = {1: "A", 2: "M", 3: "R", 4: "G", 5: "V", 6: "U"}


def load():
    """Our files as descriptors, and the three option extensions."""
    with tempfile.TemporaryDirectory() as out:
        proto = ROOT / "proto"
        files = [str(f.relative_to(proto)) for d in ("sales", "internal", "buf", "google")
                 for f in sorted((proto / d).rglob("*.proto"))]
        subprocess.run(["protoc", f"-I{proto}", "-I/usr/include", f"--python_out={out}", *files],
                       check=True)
        sys.path.insert(0, out)
        ours = [importlib.import_module(f[:-6].replace("/", ".") + "_pb2").DESCRIPTOR
                for f in files if f.startswith(("sales/", "internal/"))]
        rules = importlib.import_module("buf.validate.validate_pb2").field
        http = importlib.import_module("google.api.annotations_pb2").http
        options = importlib.import_module("sales.v1.options_pb2")
    return ours, rules, http, options


def shape(method):
    """The method's own descriptor as a message: it knows which sides stream."""
    proto = descriptor_pb2.MethodDescriptorProto()
    method.CopyToProto(proto)
    return proto


def bindings(method, http):
    """(verb, path, body) of each REST binding."""
    if not method.GetOptions().HasExtension(http):
        return []
    rule = method.GetOptions().Extensions[http]
    return [(r.WhichOneof("pattern"), getattr(r, r.WhichOneof("pattern")), r.body)
            for r in (rule, *rule.additional_bindings)]


def binds(message, path):
    for part in path.split("."):
        if message is None or part not in message.fields_by_name:
            return False
        message = message.fields_by_name[part].message_type
    return True


def method_faults(method, http, options, taken):
    own = method.GetOptions().Extensions
    roles, mutating = own[options.roles], own[options.mutating]
    if not roles:
        yield "names no role"
    if ("request_id" in method.input_type.fields_by_name) != mutating:
        yield "request_id and mutating disagree"
    if mutating and VIEWER in roles:
        yield "a viewer may mutate"
    rest = bindings(method, http)
    if not rest and not shape(method).client_streaming:
        yield "has no REST path"
    for verb, path, body in rest:
        key = (verb, re.sub(r"\{[^}]*\}", "{}", path))
        if taken.setdefault(key, method) is not method:
            yield f"{verb} {path} is taken by {taken[key].full_name}"
        for var in re.findall(r"\{([^}]*)\}", path):
            if not binds(method.input_type, var):
                yield f"{{{var}}} is no field of the request"
        if bool(body) != (verb in ("post", "put", "patch")):
            yield f"{verb} {path} and its body disagree"
        if body not in ("", "*") and body not in method.input_type.fields_by_name:
            yield f"body {body} is no field of the request"


def text_limited(rules):
    return (rules.HasField("max_len") or rules.HasField("pattern") or rules.HasField("uuid")
            or rules.HasField("email"))


def enum_closed(rules):
    return rules.defined_only or len(getattr(rules, "in")) > 0


def field_faults(field, rules):
    rule = field.GetOptions().Extensions[rules]
    if field.label == F.LABEL_REPEATED and field.message_type \
            and field.message_type.GetOptions().map_entry:
        if not rule.map.HasField("max_pairs") or not text_limited(rule.map.keys.string):
            yield "map without a limit"
        return
    if field.label == F.LABEL_REPEATED:
        if not rule.repeated.HasField("max_items"):
            yield "list without a limit"
        rule = rule.repeated.items
    if field.type == F.TYPE_STRING and not text_limited(rule.string):
        yield "text without a limit"
    if field.type == F.TYPE_BYTES and not rule.bytes.HasField("max_len"):
        yield "bytes without a limit"
    if field.type == F.TYPE_ENUM and not enum_closed(rule.enum):
        yield "enum accepts unknown values"


def messages(things):
    for message in things:
        if not message.GetOptions().map_entry:
            yield message
            yield from messages(message.nested_types)


def loops(message, path, done):
    """Names a cycle of messages, if one is reachable."""
    if message in path:
        yield " -> ".join(m.name for m in (*path, message))
    elif message.full_name not in done:
        for field in message.fields:
            if field.message_type:
                yield from loops(field.message_type, (*path, message), done)
        done.add(message.full_name)


def faults(ours, rules, http, options):
    taken, done = {}, set()
    for file in ours:
        for service in file.services_by_name.values():
            for method in service.methods:
                for fault in method_faults(method, http, options, taken):
                    yield f"{method.full_name}: {fault}"
        for message in messages(file.message_types_by_name.values()):
            for field in message.fields:
                for fault in field_faults(field, rules):
                    yield f"{field.full_name}: {fault}"
            for cycle in loops(message, (), done):
                yield f"{message.full_name}: recurses: {cycle}"


def tables(ours, http, options):
    """The part of docs/contract.md that is made from the contract."""
    services = {s.name: s for file in ours for s in file.services_by_name.values()}
    assert set(services) == set(SERVICES), "a service is missing from this script"
    for name in SERVICES:
        yield f"\n### {name}\n\n| RPC | roles | | REST |\n|---|---|---|---|\n"
        for method in services[name].methods:
            own, proto = method.GetOptions().Extensions, shape(method)
            marks = ["mutates"] * own[options.mutating]
            marks += ["bidi"] if proto.client_streaming else ["stream"] * proto.server_streaming
            rest = ", ".join(f"`{v.upper()} {p}`" for v, p, _ in bindings(method, http)) or "–"
            roles = " ".join(LETTERS[r] for r in own[options.roles])
            yield f"| {method.name} | {roles} | {', '.join(marks)} | {rest} |\n"


def main():
    ours, rules, http, options = load()
    found = list(faults(ours, rules, http, options))
    text = DOC.read_text()
    wanted = text[:text.index("\n### ")] + "".join(tables(ours, http, options))
    if "--write" in sys.argv[1:]:
        DOC.write_text(wanted)
    elif text != wanted:
        found.append("docs/contract.md is out of date: run .ci/check_contract.py --write")
    for fault in found:
        print(fault, file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
