"""Hundreds of bad requests more, each breaking a rule of its own, to a real etcd 3.5.1 and to Martlet: codes and texts are equal, save what
refused/differences.txt lists with its reason; neither dies; and Martlet serves others after each."""
import os
import time
from typing import Callable, Iterator, Tuple

from refused import extreme, malformed, misuse
from support.checks import check, finish, note
from support.messages import SCHEMA, encode, same_text
from support.servers import ETCD, SERVER, Client, Server
from traffic.cases import shorten
from traffic.comparison import Allowed

LIST = os.path.join(os.path.dirname(os.path.abspath(__file__)), "refused", "differences.txt")
Asked = Tuple[str, Callable[[Client], Tuple[int, str]]]


def requests() -> Iterator[Asked]:
    for name, path, data in [*malformed.requests(), *malformed.nested_requests()]:
        yield name, lambda client, path=path, data=data: client.unary(path, data)[:2]
    for name, method, fields in extreme.requests():
        path = malformed.path_of(method)
        data = encode(SCHEMA.methods[path][0], fields)
        yield name, lambda client, path=path, data=data: client.unary(path, data, timeout=30)[:2]
    yield from misuse.streams()
    yield from misuse.metadata()


def prepare(client: Client) -> None:
    """Something to ask for, and something compacted."""
    client.ask("Lease/LeaseGrant", TTL=5000, ID=77)
    for number in range(20):
        client.ask("KV/Put", key=b"k", value=b"%d" % number)
    client.ask("KV/Compact", revision=15, physical=True)


def serves(server: Server, client: Client) -> bool:
    return server.alive() and client.unary(misuse.RANGE, b"\x0a\x01k", timeout=10)[0] == 0


def compare_all(real: Server, ours: Server) -> None:
    allowed, wrong, unserved, count, refused = Allowed(LIST), [], [], 0, 0
    with real.client() as one, ours.client() as other, ours.client() as bystander:
        for client in (one, other):
            prepare(client)
        for name, ask in requests():
            a, b = ask(one), ask(other)
            count, refused = count + 1, refused + (a[0] != 0)
            words = [f"{code} {text}".strip() for code, text in (a, b)]
            if (a[0] != b[0] or not same_text(a[1], b[1])) and not allowed.allows(name, ("status", *words)):
                wrong.append(f"{name}: etcd 3.5.1 {shorten(words[0])}, the server {shorten(words[1])}")
            serves(real, one)  # linearizable: a change of members that comes before the last is settled would be dropped
            if not serves(ours, bystander):
                unserved.append(name)
                break
    for text in wrong[:int(os.environ.get("SHOWN", "12"))]:
        note(text)
    check(f"{count} bad requests ({refused} of them refused): code and text are those of etcd 3.5.1, save {sum(allowed.used.values())} listed", not wrong, f"{len(wrong)} differ")
    check(f"after each of {count} bad requests others are served", not unserved, f"not after {unserved}")
    check(f"each of {len(allowed.lines)} listed differences is of use", not allowed.unused(), allowed.unused())
    check("the real etcd is alive", real.alive(), real.log_tail())


def by_hand(ours: Server) -> None:
    """HTTP/2 that no library would send."""
    unserved, count = [], 0
    with ours.client() as bystander:
        for name, data in misuse.raw():
            misuse.send_raw(ours, data)
            count += 1
            if not serves(ours, bystander):
                unserved.append(name)
                break
    check(f"after each of {count} requests in bad HTTP/2 others are served", not unserved, f"not after {unserved}")


def what_kills_etcd(ours: Server) -> None:
    """A real etcd dies of these: 3.6.14 of the first two, 3.5.1 of the third. Martlet refuses them."""
    with ours.client() as client:
        client.ask("KV/Put", key=b"z", value=b"v")
        for name, method, fields, code in [
                ("an alarm with an unknown action", "Maintenance/Alarm", {"action": 3, "memberID": 1, "alarm": 1}, None),
                ("a transaction that deletes all from a key on and then puts it, ignoring its value", "KV/Txn", {"success": [
                    {"request_delete_range": {"key": b"y", "range_end": b"\0"}}, {"request_put": {"key": b"z", "ignore_value": True}}]}, None),
                ("the same, ignoring its lease", "KV/Txn", {"success": [
                    {"request_delete_range": {"key": b"y", "range_end": b"\0"}}, {"request_put": {"key": b"z", "value": b"w", "ignore_lease": True}}]}, None),
                ("a range with an unknown sort target", "KV/Range", {"key": b"a", "range_end": b"z", "sort_target": 9}, 3)]:
            path = malformed.path_of(method)
            got, text, _ = client.unary(path, encode(SCHEMA.methods[path][0], fields))
            check(f"{name}: refused, and others are served", (got == code if code else got != 0) and serves(ours, client), f"code {got} {text}")
        check("and nothing of it was done", client.ask("KV/Range", key=b"z")["kvs"][0]["value"] == b"v")


if __name__ == "__main__":
    began = time.time()
    with Server(ETCD) as etcd, Server(SERVER) as server:
        compare_all(etcd, server)
        by_hand(server)
        what_kills_etcd(server)
        check("Martlet is alive", server.alive(), server.log_tail())
    note(f"{time.time() - began:.0f} s")
    finish()
