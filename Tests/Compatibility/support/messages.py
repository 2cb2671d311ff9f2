"""etcd's messages as dictionaries, by the project's own Protos/, and what of two answers is compared.

A message is {field name: value}; a field at its default is absent; an unknown field is named by its number ("#7")."""
import os
import re

PROTOS = os.path.join(os.path.dirname(os.path.abspath(__file__)), *[".."] * 3, "Protos")
VARINTS = {"int32", "int64", "uint32", "uint64", "bool"}


class Field:
    def __init__(self, name, kind, repeated):
        self.name, self.kind, self.repeated = name, kind, repeated


class Schema:
    """`messages`: {full name: {number: Field}}; `methods`: {path: (request, response, client streams, server streams)}."""

    def __init__(self, folder):
        self.messages, self.enums, self.methods = {}, set(), {}
        for name in sorted(os.listdir(folder)):
            if name.endswith(".proto"):
                with open(os.path.join(folder, name), encoding="utf-8") as file:
                    self.parse(file.read())

    def parse(self, text):
        text = re.sub(r"//[^\n]*", "", text)
        package = re.search(r"package (\w+)", text)[1]
        stack = []  # (kind, name)
        for statement, end in re.findall(r"([^{};]*)([{};])", text):
            words = re.findall(r"[\w.]+", statement)
            scope = ".".join([package] + [name for kind, name in stack if kind == "message"])
            if end == "{":
                stack.append((words[0], words[1]))
                if words[0] == "message":
                    self.messages[f"{scope}.{words[1]}"] = {}
                elif words[0] == "enum":
                    self.enums.add(f"{scope}.{words[1]}")
            elif end == "}":
                stack.pop()
            elif stack and stack[-1][0] in ("message", "oneof"):
                repeated = words[0] == "repeated"
                kind, name, number = [word for word in words if word not in ("repeated", "optional", "required")][:3]
                self.messages[scope][int(number)] = Field(name, kind, repeated)
            elif stack and stack[-1][0] == "service":
                request, response = re.findall(r"\(\s*([^)]*?)\s*\)", statement)
                self.methods[f"/{package}.{stack[-1][1]}/{words[1]}"] = (
                    self.full(request.split()[-1], package), self.full(response.split()[-1], package),
                    request.startswith("stream "), response.startswith("stream "))

    @staticmethod
    def full(name, package):
        return name if "." in name else f"{package}.{name}"

    def resolve(self, kind, scope):
        """The full name of the message `kind` as named inside message `scope`; None if it is no message."""
        parts = scope.split(".")
        while True:
            name = ".".join(parts + [kind])
            if name in self.messages:
                return name
            if name in self.enums or not parts:
                return None
            parts.pop()


SCHEMA = Schema(PROTOS)


def varint(data, at):
    """(number, offset behind it)."""
    number = shift = 0
    while True:
        if at >= len(data) or shift > 63:
            raise ValueError("bad varint")
        byte = data[at]
        number |= (byte & 127) << shift
        at, shift = at + 1, shift + 7
        if byte < 128:
            return number & (1 << 64) - 1, at


def raw_fields(data):
    """(number, wire type, value) of each field, in order; a value is a number or bytes."""
    at = 0
    while at < len(data):
        key, at = varint(data, at)
        wire = key & 7
        if wire == 0:
            value, at = varint(data, at)
        elif wire in (1, 2, 5):
            size = {1: 8, 5: 4}.get(wire)
            if size is None:
                size, at = varint(data, at)
            if at + size > len(data):
                raise ValueError("truncated")
            value, at = data[at:at + size], at + size
        else:
            raise ValueError(f"wire type {wire}")
        yield key >> 3, wire, value


def number_of(kind, value):
    """A varint as the field's type has it."""
    if kind == "bool":
        return value != 0
    return value - (1 << 64) if value >> 63 and not kind.startswith("uint") else value


def decode(message, data):
    """A message of that full name."""
    out, fields = {}, SCHEMA.messages[message]
    for number, wire, value in raw_fields(data):
        field = fields.get(number)
        if field is None:
            out.setdefault(f"#{number}", []).append(value)
            continue
        inner = SCHEMA.resolve(field.kind, message)
        if inner:
            value = decode(inner, value)
        elif wire == 0:
            value = number_of(field.kind, value)
        elif field.repeated and field.kind not in ("bytes", "string"):
            at = 0
            while at < len(value):  # packed
                item, at = varint(value, at)
                out.setdefault(field.name, []).append(number_of(field.kind, item))
            continue
        if field.repeated:
            out.setdefault(field.name, []).append(value)
        elif inner and field.name in out:
            out[field.name].update(value)
        elif inner or value not in (0, b"", False):
            out[field.name] = value
        else:
            out.pop(field.name, None)
    return out


def put_varint(number):
    number &= (1 << 64) - 1
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    out.append(number)
    return bytes(out)


def encode(message, values):
    """The bytes of a message of that full name."""
    out, numbers = bytearray(), {field.name: (number, field) for number, field in SCHEMA.messages[message].items()}
    for name, value in values.items():
        number, field = numbers[name]
        inner = SCHEMA.resolve(field.kind, message)
        for item in value if field.repeated else [value]:
            if inner or isinstance(item, (bytes, str)):
                item = encode(inner, item) if inner else item.encode() if isinstance(item, str) else item
                out += put_varint(number << 3 | 2) + put_varint(len(item)) + item
            else:
                out += put_varint(number << 3) + put_varint(int(item))
    return bytes(out)


# What differs between two runs of the same server, and so is not compared.
RUN_DEPENDENT = {
    "etcdserverpb.ResponseHeader": {"cluster_id", "member_id", "raft_term"},
    "etcdserverpb.StatusResponse": {"dbSize", "dbSizeInUse", "raftIndex", "raftAppliedIndex", "raftTerm"},
}

TIME_TO_LIVE_SLACK = 2  # seconds

# Texts of Go's libraries: a text that begins so is compared up to here.
LIBRARY_TEXT = re.compile(r"grpc: error unmarshalling request: |proto:\s|unexpected EOF|parse \"|type mismatch")


def comparable(message, values, loose=()):
    """What of a decoded message is compared. `loose` names what depends on the run: the "hash" over the whole store, the "id" of a lease."""
    out = {}
    for name, value in values.items():
        if name in RUN_DEPENDENT.get(message, ()):
            continue
        field = next((field for field in SCHEMA.messages[message].values() if field.name == name), None)
        inner = field and SCHEMA.resolve(field.kind, message)
        if inner:
            value = [comparable(inner, item, loose) for item in value] if field.repeated else comparable(inner, value, loose)
        out[name] = value
    if message == "etcdserverpb.StatusResponse" and "version" in out:
        out["version"] = out["version"].rsplit(b".", 1)[0]
    if "members" in out:  # they come in the order of their ids
        out["members"] = sorted(out["members"], key=lambda member: member.get("peerURLs", []))
    if message == "etcdserverpb.Member" and not out.get("name"):  # added while the server ran: its id is made of the time
        out["ID"] = bool(out.get("ID"))
    if message == "etcdserverpb.HashResponse" and "hash" in loose:
        out["hash"] = bool(out.get("hash"))
    if message == "etcdserverpb.LeaseGrantResponse" and "id" in loose:
        out["ID"] = bool(out.get("ID"))
    for name in ("keys", "leases"):  # no order is promised
        if message.startswith("etcdserverpb.Lease") and name in out:
            out[name] = sorted(out[name], key=str)
    return out


def same_text(recorded, got):
    """Whether an error's text is etcd's; of a Go library's, only that there is one."""
    match = LIBRARY_TEXT.search(recorded)
    if not match:
        return recorded == got
    return got.startswith(match[0]) if match[0].startswith("grpc") and match.start() == 0 else bool(got)


def difference(recorded, got, path=""):
    """The first place where two values differ, in words; empty if they are equal."""
    if path.split(".")[-1] == "TTL" and isinstance(recorded, int) and isinstance(got, int):
        # What is left of a lease depends on how fast all went.
        return "" if abs(recorded - got) <= TIME_TO_LIVE_SLACK and (recorded < 0) == (got < 0) else f"{path}: recorded {recorded}, got {got}"
    if isinstance(recorded, dict) and isinstance(got, dict):
        pairs = [(f"{path}.{key}".lstrip("."), recorded.get(key), got.get(key)) for key in dict.fromkeys([*recorded, *got])]
    elif isinstance(recorded, list) and isinstance(got, list) and len(recorded) == len(got):
        pairs = [(f"{path}[{index}]", *pair) for index, pair in enumerate(zip(recorded, got))]
    else:
        return "" if recorded == got else f"{path}: recorded {str(recorded)[:200]}, got {str(got)[:200]}"
    return next((found for found in (difference(a, b, where) for where, a, b in pairs) if found), "")
