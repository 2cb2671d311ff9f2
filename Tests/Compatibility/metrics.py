"""What /metrics tells: the families of a real etcd with its types, texts, labels and buckets, and its very numbers after the same
requests. The oracle is etcd 3.5.1; what 3.6.14, which Martlet presents itself as, has more or less is listed here with its reason."""
import gzip
import http.client
import re
import threading
import time

from support.checks import check, finish
from support.messages import encode
from support.servers import ETCD, Server
from support.watches import WatchStream

# Families of one of the two only: {pattern: reason}. A pattern that matches nothing fails.
ONLY_IN_ETCD_35 = {
    r"etcd_debugging_mvcc_range_total": "removed in 3.6",
    r"go_.*": "there is no Go runtime",
}
ONLY_IN_MARTLET = {
    r"etcd_disk_wal_write_duration_seconds": "since 3.6",
    r"etcd_network_known_peers": "since 3.6",
    r"etcd_server_feature_enabled": "since 3.6",
    r"etcd_server_range_duration_seconds": "since 3.6",
    r"process_network_.*_bytes_total": "of the Prometheus client that 3.6 is built with",
}
# Families that are there once something has happened, which does not here.
SOMETIMES = {"etcd_debugging_server_alarms", "etcd_server_healthcheck", "etcd_server_healthchecks_total"}

# What etcd's own test of 3.6 wants of one member (tests/e2e/metrics_test.go, TestNoMetricsMissing), less `go_*`.
OF_ETCD_36 = """
etcd_cluster_version etcd_debugging_auth_revision etcd_debugging_disk_backend_commit_rebalance_duration_seconds
etcd_debugging_disk_backend_commit_spill_duration_seconds etcd_debugging_disk_backend_commit_write_duration_seconds
etcd_debugging_lease_granted_total etcd_debugging_lease_renewed_total etcd_debugging_lease_revoked_total
etcd_debugging_lease_ttl_total etcd_debugging_mvcc_compact_revision etcd_debugging_mvcc_current_revision
etcd_debugging_mvcc_db_compaction_keys_total etcd_debugging_mvcc_db_compaction_last
etcd_debugging_mvcc_db_compaction_pause_duration_milliseconds etcd_debugging_mvcc_db_compaction_total_duration_milliseconds
etcd_debugging_mvcc_events_total etcd_debugging_mvcc_index_compaction_pause_duration_milliseconds
etcd_debugging_mvcc_keys_total etcd_debugging_mvcc_pending_events_total etcd_debugging_mvcc_slow_watcher_total
etcd_debugging_mvcc_total_put_size_in_bytes etcd_debugging_mvcc_watch_stream_total etcd_debugging_mvcc_watcher_total
etcd_debugging_server_lease_expired_total etcd_debugging_snap_save_marshalling_duration_seconds
etcd_debugging_snap_save_total_duration_seconds etcd_debugging_store_expires_total etcd_debugging_store_reads_total
etcd_debugging_store_watch_requests_total etcd_debugging_store_watchers etcd_debugging_store_writes_total
etcd_disk_backend_commit_duration_seconds etcd_disk_backend_defrag_duration_seconds
etcd_disk_backend_snapshot_duration_seconds etcd_disk_defrag_inflight etcd_disk_wal_fsync_duration_seconds
etcd_disk_wal_write_bytes_total etcd_disk_wal_write_duration_seconds etcd_grpc_proxy_cache_hits_total
etcd_grpc_proxy_cache_keys_total etcd_grpc_proxy_cache_misses_total etcd_grpc_proxy_events_coalescing_total
etcd_grpc_proxy_watchers_coalescing_total etcd_mvcc_db_open_read_transactions etcd_mvcc_db_total_size_in_bytes
etcd_mvcc_db_total_size_in_use_in_bytes etcd_mvcc_delete_total etcd_mvcc_hash_duration_seconds
etcd_mvcc_hash_rev_duration_seconds etcd_mvcc_put_total etcd_mvcc_range_total etcd_mvcc_txn_total
etcd_network_client_grpc_received_bytes_total etcd_network_client_grpc_sent_bytes_total etcd_network_known_peers
etcd_server_apply_duration_seconds etcd_server_client_requests_total etcd_server_go_version etcd_server_has_leader
etcd_server_health_failures etcd_server_health_success etcd_server_heartbeat_send_failures_total etcd_server_id
etcd_server_is_leader etcd_server_is_learner etcd_server_leader_changes_seen_total etcd_server_learner_promote_successes
etcd_server_proposals_applied_total etcd_server_proposals_committed_total etcd_server_proposals_failed_total
etcd_server_proposals_pending etcd_server_quota_backend_bytes etcd_server_range_duration_seconds
etcd_server_read_indexes_failed_total etcd_server_slow_apply_total etcd_server_slow_read_indexes_total
etcd_server_snapshot_apply_in_progress_total etcd_server_version etcd_snap_db_fsync_duration_seconds
etcd_snap_db_save_total_duration_seconds etcd_snap_fsync_duration_seconds grpc_server_handled_total
grpc_server_msg_received_total grpc_server_msg_sent_total grpc_server_started_total os_fd_limit os_fd_used
promhttp_metric_handler_requests_in_flight promhttp_metric_handler_requests_total""".split()

# The series of etcd's alert rules and dashboard (contrib/mixin) that a member without peers has.
OF_ALERTS = """
etcd_server_has_leader etcd_server_leader_changes_seen_total grpc_server_handled_total grpc_server_handling_seconds_bucket
etcd_server_proposals_failed_total etcd_disk_wal_fsync_duration_seconds_bucket etcd_disk_backend_commit_duration_seconds_bucket
etcd_mvcc_db_total_size_in_bytes etcd_server_quota_backend_bytes etcd_mvcc_db_total_size_in_use_in_bytes
etcd_network_client_grpc_received_bytes_total etcd_network_client_grpc_sent_bytes_total grpc_server_started_total
process_resident_memory_bytes etcd_server_proposals_pending etcd_server_proposals_committed_total
etcd_server_proposals_applied_total etcd_server_is_leader""".split()
# Those of peers: a real member has none either before it has a peer.
OF_PEERS = ["etcd_network_peer_sent_failures_total", "etcd_network_peer_round_trip_time_seconds_bucket",
            "etcd_network_peer_sent_bytes_total", "etcd_network_peer_received_bytes_total"]

# Numbers that the same requests must change alike, and those that must be the same.
CHANGED_ALIKE = """
etcd_debugging_lease_granted_total etcd_debugging_lease_renewed_total etcd_debugging_lease_revoked_total
etcd_debugging_lease_ttl_total_count etcd_debugging_lease_ttl_total_sum etcd_debugging_mvcc_db_compaction_keys_total
etcd_debugging_mvcc_db_compaction_total_duration_milliseconds_count etcd_debugging_mvcc_events_total
etcd_debugging_mvcc_total_put_size_in_bytes etcd_debugging_server_lease_expired_total
etcd_disk_backend_defrag_duration_seconds_count etcd_mvcc_delete_total etcd_mvcc_hash_duration_seconds_count etcd_mvcc_hash_rev_duration_seconds_count etcd_mvcc_put_total
etcd_mvcc_txn_total etcd_network_client_grpc_received_bytes_total etcd_server_apply_duration_seconds_count etcd_server_client_requests_total
etcd_server_health_failures etcd_server_health_success etcd_server_learner_promote_failures
etcd_server_learner_promote_successes etcd_server_proposals_failed_total etcd_server_leader_changes_seen_total
etcd_server_read_indexes_failed_total etcd_server_slow_read_indexes_total grpc_server_handled_total
grpc_server_msg_received_total grpc_server_msg_sent_total grpc_server_started_total
promhttp_metric_handler_requests_total""".split()
CHANGED_OTHERWISE = {  # {name: (by how much more, why)}
    "etcd_network_client_grpc_sent_bytes_total": (2, "HashKV's answer has the field hash_revision since 3.6"),
    "etcd_mvcc_range_total": (-2, "etcd counts the key that it reads after a compaction to learn the revision, and a watch's previous value"),
    "etcd_server_proposals_applied_total": (-1, "etcd proposes the promotion of a member that is not there"),
    "etcd_server_proposals_committed_total": (-1, "as those applied"),
}
THE_SAME = """
etcd_debugging_auth_revision etcd_debugging_mvcc_compact_revision etcd_debugging_mvcc_current_revision
etcd_debugging_mvcc_keys_total etcd_debugging_mvcc_slow_watcher_total
etcd_debugging_mvcc_watch_stream_total etcd_debugging_mvcc_watcher_total etcd_disk_defrag_inflight
etcd_mvcc_db_open_read_transactions etcd_server_has_leader etcd_server_id etcd_server_is_leader etcd_server_is_learner
etcd_server_proposals_pending etcd_server_quota_backend_bytes os_fd_limit process_max_fds
promhttp_metric_handler_requests_in_flight""".split()

SHOWN_OTHERWISE = {  # {name: (etcd's, Martlet's, why)}
    "etcd_debugging_mvcc_pending_events_total": (1, 0, "an event that a filter kept from a watcher stays pending in etcd, for good"),
}

LINE = re.compile(r"([\w:]+)(?:\{(.*)\})? (\S+)$")
LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"(?:,|$)')


class Scrape:
    """`families`: {name: (type, help)}; `series`: {name with suffix: {labels as a sorted tuple: number}}; `order`: names as they came."""

    def __init__(self, text):
        self.families, self.series, self.order, help_text = {}, {}, [], {}
        for line in text.split("\n"):
            if line.startswith("# HELP "):
                _, _, name, described = line.split(" ", 3)
                help_text[name] = described
            elif line.startswith("# TYPE "):
                _, _, name, kind = line.split(" ")
                if name in self.families:
                    raise ValueError(f"{name} comes twice")
                self.families[name] = (kind, help_text[name])
                self.order.append(name)
            elif line:
                name, labels, value = LINE.match(line).groups()
                pairs = LABEL.findall(labels or "")
                if ",".join(f'{key}="{text}"' for key, text in pairs) != (labels or ""):
                    raise ValueError(f"labels that cannot be read: {line}")
                self.series.setdefault(name, {})[tuple(sorted(pairs))] = float(value)

    def shape(self, family):
        """Type, help, label names and bucket bounds of a family."""
        names = {suffix: self.series[family + suffix] for suffix in ("", "_bucket", "_sum", "_count") if family + suffix in self.series}
        labels = {suffix: sorted({tuple(key for key, _ in pairs) for pairs in values}) for suffix, values in names.items()}
        bounds = sorted({value for pairs in names.get("_bucket", {}) for key, value in pairs if key == "le"}, key=float)
        return self.families[family], labels, bounds

    def numbers(self, name):
        """The series that are not 0. What says the version, or is of methods that only one of the two has, is left out."""
        return {pairs: value for pairs, value in self.series.get(name, {}).items() if value != 0}

    def changes(self, before, name):
        old = before.numbers(name)
        new = self.numbers(name)
        return {pairs: new.get(pairs, 0) - old.get(pairs, 0) for pairs in {**old, **new} if new.get(pairs, 0) != old.get(pairs, 0)}


def fetch(server, **headers):
    """(headers, body bytes)"""
    connection = http.client.HTTPConnection(server.endpoint, timeout=10)
    connection.request("GET", "/metrics", headers=headers)
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    if answer.status != 200:
        raise RuntimeError(f"/metrics answers {answer.status}")
    return answer.headers, body


def scrape(server):
    return Scrape(fetch(server)[1].decode())


def probe(server, path):
    connection = http.client.HTTPConnection(server.endpoint, timeout=10)
    connection.request("GET", path)
    connection.getresponse().read()
    connection.close()


def op(kind, **fields):
    return {f"request_{kind}": fields}


def compare(key, revision):
    return {"key": key, "target": 2, "result": 0, "mod_revision": revision}


def try_to(client, method, **fields):
    """A call that may be refused."""
    try:
        client.ask(method, **fields)
    except RuntimeError:
        pass


def keys_traffic(client):
    for number in range(20):
        client.ask("KV/Put", key=b"k%d" % number, value=b"v" * number)
    client.ask("KV/Put", key=b"k1", value=b"new", prev_kv=True)
    client.ask("KV/Put", key=b"k1", ignore_value=True)
    try_to(client, "KV/Put", key=b"absent", ignore_value=True)
    try_to(client, "KV/Put", key=b"", value=b"x")
    try_to(client, "KV/Put", key=b"k1", lease=12345)
    for fields in ({"key": b"k1"}, {"key": b"k", "range_end": b"l"}, {"key": b"k", "range_end": b"l", "limit": 3},
                   {"key": b"k1", "serializable": True}, {"key": b"\0", "range_end": b"\0", "count_only": True}):
        client.ask("KV/Range", **fields)
    try_to(client, "KV/Range", key=b"k1", revision=1_000_000)
    try_to(client, "KV/Range", key=b"")
    client.ask("KV/DeleteRange", key=b"k2")
    client.ask("KV/DeleteRange", key=b"k3", range_end=b"k5", prev_kv=True)
    client.ask("KV/DeleteRange", key=b"absent")


def txn_traffic(client):
    put, read, delete = op("put", key=b"t", value=b"12"), op("range", key=b"t"), op("delete_range", key=b"t")
    client.ask("KV/Txn", success=[put])
    client.ask("KV/Txn", compare=[compare(b"absent", 0)], success=[put, read])
    client.ask("KV/Txn", compare=[compare(b"absent", 7)], success=[put], failure=[read])
    client.ask("KV/Txn", compare=[compare(b"absent", 0), compare(b"other", 0)], success=[read])
    client.ask("KV/Txn", compare=[compare(b"absent", 0), compare(b"t", 5), compare(b"never", 0)], failure=[delete])
    client.ask("KV/Txn", success=[op("txn", compare=[compare(b"t", 0)], success=[put, op("put", key=b"u")])])
    try_to(client, "KV/Txn", success=[put, put])
    try_to(client, "KV/Txn", success=[op("range", key=b"t", revision=1_000_000), put])


def other_traffic(client):
    client.ask("Lease/LeaseGrant", TTL=60, ID=7)
    client.ask("Lease/LeaseGrant", TTL=3600, ID=8)
    try_to(client, "Lease/LeaseGrant", TTL=60, ID=7)
    for number in range(3):
        client.ask("KV/Put", key=b"leased%d" % number, lease=7)
    client.ask("Lease/LeaseRevoke", ID=7)
    try_to(client, "Lease/LeaseRevoke", ID=7)
    client.ask("Lease/LeaseLeases")
    client.ask("Maintenance/Hash")
    client.ask("Maintenance/HashKV", revision=20)
    client.ask("KV/Compact", revision=23, physical=True)  # not a tombstone's: 3.5.1 does not keep those, 3.6 does
    try_to(client, "KV/Compact", revision=10)
    client.unary("/etcdserverpb.KV/Nonsense")
    client.unary("/etcdserverpb.KV/Range", b"\x0a\x01a", metadata=[("client-api-version", "3.99")])


class Watching:
    """A stream of watches that waits for every answer before it goes on, so that answers are as many in both servers."""

    def __init__(self, client):
        self.stream, self.due = WatchStream(client), 0

    def send(self, answers=1, **fields):
        self.stream.send(encode("etcdserverpb.WatchRequest", fields))
        self.wait(answers)

    def wait(self, answers):
        self.due += answers
        with self.stream.changed:
            if not self.stream.changed.wait_for(lambda: len(self.stream.answers) >= self.due, 10):
                raise RuntimeError(f"{len(self.stream.answers)} answers on a watch stream, not {self.due}")


def watch_traffic(client):
    """Watchers of what comes and of what was. The stream that stays open, with two watchers."""
    stays, ends = Watching(client), Watching(client)
    stays.send(create_request={"key": b"w", "range_end": b"x"})
    stays.send(create_request={"key": b"w1", "prev_kv": True, "filters": [1]})
    for number in range(6):
        client.ask("KV/Put", key=b"w%d" % (number % 3), value=b"x")
        stays.wait(2 if number % 3 == 1 else 1)
    client.ask("KV/DeleteRange", key=b"w1")
    stays.wait(1)
    client.ask("KV/Txn", success=[op("put", key=b"w2", value=b"12"), op("put", key=b"w3"), op("delete_range", key=b"w0")])
    stays.wait(1)
    stays.send(cancel_request={"watch_id": 1})
    stays.send(progress_request={})
    ends.send(answers=2, create_request={"key": b"k", "range_end": b"l", "start_revision": 2})
    stays.send(create_request={"key": b"w", "range_end": b"x", "start_revision": 1_000_000})
    ends.stream.close()
    return stays.stream


def lease_traffic(client):
    keep_alive = [encode("etcdserverpb.LeaseKeepAliveRequest", {"ID": number}) for number in (8, 8, 4242)]
    client.dialogue("/etcdserverpb.Lease/LeaseKeepAlive", keep_alive)
    client.ask("Lease/LeaseGrant", TTL=1, ID=9)
    client.ask("KV/Put", key=b"fleeting", lease=9)
    time.sleep(4)  # the least that etcd grants is 2 s


def traffic(server, client):
    """The watch stream that is still open."""
    keys_traffic(client)
    txn_traffic(client)
    stream = watch_traffic(client)
    other_traffic(client)
    lease_traffic(client)
    for _ in range(2):
        client.ask("Maintenance/Defragment")
    try_to(client, "Cluster/MemberPromote", ID=77)
    probe(server, "/health")
    # What follows behind the last answer: commits, the compaction.
    time.sleep(1)
    return stream


def comparable(changes):
    """Numbers less those of what one of the two does by itself."""
    own = {("op", name) for name in ("ClusterVersionSet", "ClusterMemberAttrSet", "PUT")}
    return {pairs: value for pairs, value in changes.items() if not own & set(pairs)}


def families_as_in_etcd(real, ours):
    only_real = set(real.families) - set(ours.families)
    only_ours = set(ours.families) - set(real.families) - SOMETIMES
    for title, names, listed in (("real etcd has", only_real, ONLY_IN_ETCD_35), ("Martlet has", only_ours, ONLY_IN_MARTLET)):
        unlisted = sorted(name for name in names if not any(re.fullmatch(pattern, name) for pattern in listed))
        unused = [pattern for pattern in listed if not any(re.fullmatch(pattern, name) for name in names)]
        check(f"what only {title} is listed with its reason", not unlisted and not unused, f"not listed {unlisted}, unused {unused}")
    common = sorted(set(real.families) & set(ours.families))
    different = []
    for name in common:
        if real.shape(name) != ours.shape(name):
            different.append(f"{name}: etcd {real.shape(name)}, Martlet {ours.shape(name)}")
    check(f"{len(common)} families have etcd's type, text, labels and buckets", len(common) > 90 and not different,
          "\n       ".join(different[:5]))
    missing = [name for name in OF_ETCD_36 if name not in ours.families]
    check(f"all {len(OF_ETCD_36)} families that etcd 3.6's own test wants are there", not missing, missing)
    check("families come in the order of their names", ours.order == sorted(ours.order))


def numbers_as_in_etcd(real, ours):
    """Of (before, after) each."""
    different = []
    for name in CHANGED_ALIKE:
        expected, got = (comparable(after.changes(before, name)) for before, after in (real, ours))
        if expected != got:
            pairs = {key: (expected.get(key), got.get(key)) for key in {**expected, **got} if expected.get(key) != got.get(key)}
            different.append(f"{name}: (etcd, Martlet) {pairs}")
    check(f"{len(CHANGED_ALIKE)} families count the same requests as etcd does", not different, "\n       ".join(different))
    for name, (more, reason) in CHANGED_OTHERWISE.items():
        counts = [after.changes(before, name)[()] for before, after in (real, ours)]
        check(f"{name} counts {more:+d} than in etcd: {reason}", counts[1] - counts[0] == more, counts)
    different = [f"{name}: etcd {real[1].numbers(name)}, Martlet {ours[1].numbers(name)}"
                 for name in THE_SAME if real[1].numbers(name) != ours[1].numbers(name)]
    check(f"{len(THE_SAME)} families show the same state as etcd's", not different, "\n       ".join(different))
    for name, (expected, own, reason) in SHOWN_OTHERWISE.items():
        values = [after.series[name][()] for _, after in (real, ours)]
        check(f"{name} is {own}, not {expected} as in etcd: {reason}", values == [expected, own], values)


def alerts_find_their_series(real, ours):
    missing = [name for name in OF_ALERTS if name not in ours.series]
    check("every series of etcd's alert rules and dashboard is there", not missing, missing)
    peers = [name for name in OF_PEERS if name in real.series or name in ours.series]
    check("series of peers are absent without peers, as in etcd", not peers, peers)


def failed_streams(server, client):
    """A scrape after streams of both kinds have failed. etcd takes some for streams that their clients ended, for the one and the other
    come at the same time there."""
    found = scrape(server)
    for _ in range(50):
        for method, message in (("Watch/Watch", b"\x0a\x7f"), ("Lease/LeaseKeepAlive", b"\xff")):
            client.dialogue(f"/etcdserverpb.{method}", [message])
        found = scrape(server)
        if len(found.series.get("etcd_network_server_stream_failures_total", {})) == 2:
            break
    return found


def failures_as_in_etcd(real, ours):
    family = "etcd_network_server_stream_failures_total"
    shapes = [(found.shape(family), sorted(found.series.get(family, {}))) if family in found.families else None for found in (real, ours)]
    check("streams that fail by what a client sends are counted as in etcd", shapes[0] and shapes[0] == shapes[1], shapes)
    check("each of them is", list(ours.series.get(family, {}).values()) == [1, 1], ours.series.get(family))


def as_real_etcd():
    with (Server(ETCD, flags=["--metrics", "extensive"]) as etcd, Server(flags=["--metrics", "extensive"]) as martlet,
          etcd.client() as first, martlet.client() as second):
        before = scrape(etcd), scrape(martlet)
        streams = traffic(etcd, first), traffic(martlet, second)
        after = scrape(etcd), scrape(martlet)
        for stream in streams:
            stream.close()
        failures = failed_streams(etcd, first), failed_streams(martlet, second)
    failures_as_in_etcd(*failures)
    families_as_in_etcd(after[0], after[1])
    numbers_as_in_etcd((before[0], after[0]), (before[1], after[1]))
    alerts_find_their_series(after[0], after[1])


def in_itself():
    """What needs no oracle."""
    with Server() as server:
        headers, body = fetch(server)
        check("the answer is Prometheus' text format", headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8",
              headers["Content-Type"])
        packed_headers, packed = fetch(server, **{"Accept-Encoding": "gzip"})
        check("it is compressed for who asks", packed_headers["Content-Encoding"] == "gzip" and len(packed) * 4 < len(body)
              and Scrape(gzip.decompress(packed).decode()).order == Scrape(body.decode()).order)
        found = Scrape(body.decode())
        check("calls are not timed unless metrics are extensive", "grpc_server_handling_seconds" not in found.families)
        resident = server.memory("VmRSS")
        shown = scrape(server).series["process_resident_memory_bytes"][()]
        check("the process's memory is what the system says", 0.5 * resident < shown < 2 * resident, f"{shown}, not {resident}")
        for path in ("/livez", "/readyz", "/readyz/non_learner"):
            probe(server, path)
        with server.client() as client:
            client.ask("Maintenance/Alarm", action=1, memberID=77, alarm=2)
        probe(server, "/readyz")
        found = scrape(server)
        failed = (("name", "data_corruption"), ("status", "error"), ("type", "readyz"))
        passed = (("name", "non_learner"), ("status", "success"), ("type", "readyz"))
        checks = found.series["etcd_server_healthchecks_total"]
        check("checks are counted by what came of them", checks.get(failed) == 1 and checks.get(passed) == 3, checks)
        check("an alarm is told", found.series["etcd_debugging_server_alarms"] ==
              {(("alarm_type", "CORRUPT"), ("server_id", "4d")): 1}, found.series.get("etcd_debugging_server_alarms"))


def inconsistencies(found, before):
    """What is wrong in a scrape by itself, and beside the one before it, in words."""
    wrong = [f"{name} is gone" for name in before.families if name not in found.families]
    for name, (kind, _) in found.families.items():
        if kind == "histogram":
            for pairs, count in found.series[name + "_count"].items():
                buckets = [(float(dict(one)["le"]), value) for one, value in found.series[name + "_bucket"].items()
                           if tuple(pair for pair in one if pair[0] != "le") == pairs]
                counts = [value for _, value in sorted(buckets)]
                if counts != sorted(counts) or counts[-1] != count:
                    wrong.append(f"{name}: {counts} of {count}")
        for suffix in {"counter": [""], "histogram": ["_bucket", "_sum", "_count"]}.get(kind, []):
            now = found.series[name + suffix]
            wrong += [f"{name}{suffix} {pairs} went back from {value} to {now.get(pairs)}"
                      for pairs, value in before.series.get(name + suffix, {}).items() if now.get(pairs, -1) < value]
    return wrong


def under_load():
    """Scrapes beside all kinds of work: each is whole and agrees with itself and the one before, and every call is answered."""
    refused, done, stop = [], [0] * 4, threading.Event()

    def work(server, number):
        with server.client() as client:
            while not stop.is_set():
                try:
                    client.ask("KV/Put", key=b"key%d" % (done[number] % 500), value=b"x" * 500)
                    client.ask("KV/Range", key=b"key", range_end=b"kez", limit=20)
                    if number == 0 and done[0] % 50 == 49:
                        client.ask("Maintenance/Defragment", timeout=60)
                    done[number] += 1
                except RuntimeError as error:
                    refused.append(str(error))
                    return

    with Server(flags=["--metrics", "extensive"]) as server:
        threads = [threading.Thread(target=work, args=(server, number)) for number in range(len(done))]
        for thread in threads:
            thread.start()
        wrong, scrapes, last = [], 0, scrape(server)
        while scrapes < 100 or min(done) < 60 and not refused:
            found = scrape(server)
            wrong += inconsistencies(found, last)
            scrapes, last = scrapes + 1, found
        stop.set()
        for thread in threads:
            thread.join()
        puts = scrape(server).series["etcd_mvcc_put_total"][()]
    check(f"{scrapes} scrapes beside {sum(done)} rounds of work are whole, and no count goes back", not wrong, "\n       ".join(wrong[:5]))
    check("beside scrapes every call is answered, and counted", not refused and puts == sum(done), f"{refused[:2]}, {puts} of {sum(done)}")


if __name__ == "__main__":
    in_itself()
    as_real_etcd()
    under_load()
    finish()
