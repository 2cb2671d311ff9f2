"""Watch: streams of watchers. A request waits for its own answer (created, canceled, progress); events are collected later."""
from traffic import keys
from traffic.cases import Plan, case, ok, register
from traffic.keys import INT64, PREFIX, PREFIX_END
from traffic.world import Stream, Watcher

STREAMS, WATCHERS = ("north", "south", "east"), 8  # open at most, and watchers on each
NOPUT, NODELETE = 0, 1


def created(answer):
    return answer[0] == 0 and len(answer[2]) == 1 and answer[2][0].get("created") and not answer[2][0].get("canceled")


def refused(reason):
    return lambda answer: (len(answer[2]) == 1 and bool(answer[2][0].get("canceled")) and answer[2][0].get("watch_id") == -1
                           and answer[2][0].get("cancel_reason", b"").decode() == reason)


def canceled(answer):
    return len(answer[2]) == 1 and bool(answer[2][0].get("canceled"))


def silent(answer):
    return answer[0] == 0 and not answer[2]


# Streams

def open_stream(plan: Plan, room: int = 1) -> Stream:
    """A stream with room for so many watchers."""
    name = plan.random.choice(STREAMS)
    stream = plan.world.streams.get(name)
    if stream and len(stream.watchers) + room > WATCHERS:
        close(plan, stream, named=False)
        stream = None
    if stream is None:
        stream = plan.world.streams[name] = Stream(name)
    return stream


def collect(plan: Plan, stream: Stream, named: bool = False) -> None:
    """Takes all events that the stream owes."""
    owed = sum(watcher.owed for watcher in stream.watchers.values())
    plan.add("collect", "/etcdserverpb.Watch/Watch", stream=stream.name, count=owed, named=named)
    for watcher in stream.watchers.values():
        watcher.owed = 0


def collect_all(plan: Plan, settle: bool = False) -> None:
    """`settle`: until no watcher is busy with the past. A compaction would cancel it; and 3.5.1 reads the past from memory that it has
    let go of, which kills it if the file is written anew or grows meanwhile (`kvsToEvents` after `RUnlock`)."""
    for stream in plan.world.streams.values():
        if any(watcher.owed for watcher in stream.watchers.values()):
            collect(plan, stream)
    if settle and any(watcher.reading for stream in plan.world.streams.values() for watcher in stream.watchers.values()):
        rest(plan)


def rest(plan: Plan) -> None:
    """Longer than the 100 ms after which real etcd looks again for watchers of the past."""
    plan.add("pause", count=150, named=False)
    for stream in plan.world.streams.values():
        for watcher in stream.watchers.values():
            watcher.reading = False


def send(plan: Plan, stream: Stream, named: bool = True, count: int = 1, **request: object) -> None:
    """A request that waits for `count` answers that are no events."""
    plan.add("watch", "/etcdserverpb.Watch/Watch", request, stream=stream.name, count=count, named=named)


def close(plan: Plan, stream: Stream, named: bool = True) -> None:
    collect(plan, stream)
    plan.add("close", "/etcdserverpb.Watch/Watch", stream=stream.name, named=named)
    del plan.world.streams[stream.name]


def create(plan: Plan, stream: Stream, named: bool = True, **fields: object) -> int:
    """A watcher as it should be; its id."""
    send(plan, stream, named, create_request=fields)
    identity = stream.take_id(fields.get("watch_id", 0))  # type: ignore[arg-type]
    start = fields.get("start_revision", 0) or plan.world.revision + 1
    watcher = Watcher(fields.get("key") or b"\0", fields.get("range_end", b""), start, tuple(fields.get("filters", ())))  # type: ignore[arg-type]
    watcher.owed, watcher.reading = plan.world.owed(watcher), start <= plan.world.revision
    stream.watchers[identity] = watcher
    return identity


# Watchers

def create_case(name, fields, **more):
    def build(plan):
        keys.at_least(plan, 3)
        given = fields(plan)
        if given is None:
            return False
        create(plan, open_stream(plan), **given)
        return True
    register("watch/" + name, created, build, **more)


def start_at_compacted(plan):
    """Not where a deletion was: 3.5.1 forgets a tombstone at the very revision that is compacted, 3.6 keeps it."""
    compacted = plan.world.compacted
    if compacted < 2 or any(event.revision == compacted and not event.is_put for event in plan.world.log):
        return None
    return {"key": PREFIX, "range_end": PREFIX_END, "start_revision": compacted}


def unused_id(plan):
    return plan.random.choice([1, -1]) * (100 + plan.fresh())


prefix = {"key": PREFIX, "range_end": PREFIX_END}
create_case("a key", lambda plan: {"key": keys.some(plan)}, weight=2)
create_case("an absent key", lambda plan: {"key": keys.absent(plan)})
create_case("a prefix", lambda plan: dict(prefix), weight=3)
create_case("everything", lambda plan: {"key": b"\0", "range_end": b"\0"}, weight=2)
create_case("no key", lambda plan: {})
create_case("no key but an end", lambda plan: {"range_end": b"\0"})
create_case("from a key on", lambda plan: {"key": keys.some(plan), "range_end": b"\0"})
create_case("from the past", lambda plan: {**prefix, "start_revision": keys.past(plan)}, weight=4)
create_case("everything from the past", lambda plan: {"key": b"\0", "range_end": b"\0", "start_revision": keys.past(plan), "prev_kv": plan.random.random() < 0.5}, weight=2)
create_case("a key from the past", lambda plan: {"key": keys.some(plan), "start_revision": keys.past(plan)})
create_case("from the newest revision", lambda plan: {**prefix, "start_revision": plan.world.revision})
create_case("from the next revision", lambda plan: {**prefix, "start_revision": plan.world.revision + 1})
create_case("from the future", lambda plan: {**prefix, "start_revision": plan.world.revision + 20})
create_case("from the end of time", lambda plan: {**prefix, "start_revision": INT64})
create_case("from the compacted revision", start_at_compacted)
create_case("previous values", lambda plan: {**prefix, "prev_kv": True}, weight=3)
create_case("previous values from the past", lambda plan: {**prefix, "prev_kv": True, "start_revision": keys.past(plan)}, weight=2)
create_case("no puts", lambda plan: {**prefix, "filters": [NOPUT]})
create_case("no deletes", lambda plan: {**prefix, "filters": [NODELETE]})
create_case("neither", lambda plan: {**prefix, "filters": [NOPUT, NODELETE]})
create_case("no puts of the past, previous values", lambda plan: {**prefix, "filters": [NOPUT], "start_revision": keys.past(plan), "prev_kv": True})
create_case("unknown filter", lambda plan: {**prefix, "filters": [7]})
create_case("fragments", lambda plan: {**prefix, "fragment": True})
create_case("progress now and then", lambda plan: {**prefix, "progress_notify": True})
create_case("an id of its own", lambda plan: {**prefix, "watch_id": unused_id(plan)})


@case("watch/the largest id", created)
def largest_id(plan: Plan):
    stream = open_stream(plan)
    identity = plan.random.choice([INT64, -INT64 - 1, -1])
    if identity in stream.watchers:
        return False
    create(plan, stream, key=PREFIX, watch_id=identity)


def refused_case(name, reason, fields, judged_by_martlet=False):
    def build(plan):
        stream = open_stream(plan)
        send(plan, stream, create_request=fields(plan, stream))
    register("watch/" + name, refused(reason), build, judged_by_martlet=judged_by_martlet)


def taken_id(plan, stream):
    identity = next(iter(stream.watchers), None)
    if not identity:
        identity = create(plan, stream, named=False, key=PREFIX, watch_id=unused_id(plan))
    return identity


refused_case("an id that is taken", "mvcc: duplicate watch ID provided on the WatchStream", lambda plan, stream: {**prefix, "watch_id": taken_id(plan, stream)}, True)
refused_case("an interval without room", "mvcc: watcher range is empty", lambda plan, stream: {"key": PREFIX, "range_end": PREFIX}, True)
refused_case("an end below the key", "mvcc: watcher range is empty", lambda plan, stream: {"key": PREFIX_END, "range_end": PREFIX}, True)


def negative_case(name, start):
    """On a stream of its own: 3.5.1 makes a watcher of it."""
    def build(plan):
        stream = Stream("negative")
        send(plan, stream, create_request={**prefix, "start_revision": start})
        plan.add("close", stream="negative", named=False)
    register("watch/" + name, refused("etcdserver: mvcc: required revision has been compacted"), build, judged_by_martlet=True)


negative_case("a negative start", -1)
negative_case("the most negative start", -INT64 - 1)


def create_dead(plan: Plan, identity: int = 0, named: bool = False):
    """A watcher from below the compacted revision, which is canceled at once; (stream, id). None if nothing is compacted."""
    if plan.world.compacted < 2:
        return None
    stream = open_stream(plan)
    own = {"watch_id": identity} if identity else {}
    send(plan, stream, named, 2, create_request={**prefix, "start_revision": plan.random.randrange(1, plan.world.compacted), **own})
    identity = stream.take_id(identity)
    stream.watchers[identity] = Watcher(PREFIX, PREFIX_END, 1, dead=True)
    return stream, identity


@case("watch/from below the compacted revision", lambda answer: len(answer[2]) == 2 and answer[2][1].get("compact_revision"))
def compacted(plan: Plan):
    return create_dead(plan, named=True) is not None


# What else a stream is asked

def alive(stream):
    return [identity for identity, watcher in stream.watchers.items() if not watcher.dead]


@case("watch/cancel", canceled, weight=3)
def cancel(plan: Plan):
    stream = open_stream(plan)
    if not alive(stream):
        create(plan, stream, named=False, **prefix)
    identity = plan.random.choice(alive(stream))
    collect(plan, stream)
    send(plan, stream, cancel_request={"watch_id": identity})
    del stream.watchers[identity]


@case("watch/cancel of one that is compacted", canceled)
def cancel_dead(plan: Plan):
    dead = create_dead(plan)
    if dead is None:
        return False
    stream, identity = dead
    send(plan, stream, cancel_request={"watch_id": identity})
    del stream.watchers[identity]
    return True


@case("watch/the id of one that is compacted", refused("mvcc: duplicate watch ID provided on the WatchStream"), judged_by_martlet=True)
def reuse_dead(plan: Plan):
    dead = create_dead(plan, unused_id(plan))
    if dead is None:
        return False
    send(plan, dead[0], create_request={**prefix, "watch_id": dead[1]})
    return True


@case("watch/cancel of an unknown id", silent)
def cancel_unknown(plan: Plan):
    send(plan, open_stream(plan), count=0, cancel_request={"watch_id": 98765})


@case("watch/a request that asks nothing", silent)
def nothing(plan: Plan):
    send(plan, open_stream(plan), count=0)


@case("watch/progress", lambda answer: len(answer[2]) == 1 and answer[2][0].get("watch_id") == -1, weight=2)
def progress(plan: Plan):
    """Only when all watchers have read up to the newest revision, and none waits for the future."""
    for stream in plan.world.streams.values():
        if alive(stream) and all(not watcher.dead and watcher.start <= plan.world.revision for watcher in stream.watchers.values()):
            collect(plan, stream)
            rest(plan)  # until watchers of the past that were owed nothing count as synchronized, too
            send(plan, stream, progress_request={})
            return True
    return False


def unanswered(name, suits):
    """A progress request that 3.5.1 answers at once and 3.6 does not."""
    def build(plan):
        stream = suits(plan)
        if stream is None:
            return False
        plan.add("watch", "/etcdserverpb.Watch/Watch", {"progress_request": {}}, stream=stream.name, count=-1)
        return True
    register("watch/progress, " + name, silent, build, judged_by_martlet=True)


def of_the_future(plan):
    for stream in plan.world.streams.values():
        if any(watcher.start > plan.world.revision + 1 for watcher in stream.watchers.values()):
            collect(plan, stream)
            return stream
    stream = open_stream(plan)
    create(plan, stream, named=False, **prefix, start_revision=plan.world.revision + 20)
    return stream


def with_a_dead_one(plan):
    dead = create_dead(plan)
    return dead and dead[0]


unanswered("one waits for the future", of_the_future)
unanswered("one is compacted", with_a_dead_one)


@case("watch/progress, no watchers", silent, judged_by_martlet=True)
def progress_of_none(plan: Plan):
    plan.add("watch", "/etcdserverpb.Watch/Watch", {"progress_request": {}}, stream="empty", count=-1)
    plan.add("close", stream="empty", named=False)


@case("watch/events", lambda answer: answer[0] == 0 and any(watcher["events"] for watcher in answer[2]), weight=60)
def events(plan: Plan):
    for stream in plan.world.streams.values():
        if any(watcher.owed for watcher in stream.watchers.values()):
            collect(plan, stream, named=True)
            return True
    return False


@case("watch/end of a stream", ok)
def end(plan: Plan):
    streams = list(plan.world.streams.values())
    if not streams:
        return False
    close(plan, plan.random.choice(streams))
    return True


@case("watch/the client's end of a stream, events go on", lambda answer: answer[0] == 0 and any(watcher["events"] for watcher in answer[2]))
def half_close(plan: Plan):
    stream = plan.world.streams["half"] = Stream("half")
    create(plan, stream, named=False, key=b"half")
    plan.add("half_close", stream="half", named=False)
    keys.put(plan, b"half")
    collect(plan, stream, named=True)
    plan.add("close", stream="half", named=False)
    del plan.world.streams["half"]


@case("watch/fragments of 3 MB", lambda answer: answer[0] == 0 and any(watcher.get("fragmented") for watcher in answer[2]))
def fragments(plan: Plan):
    """Three values of 1 MB come as several responses. They are put once a chapter, as often as a compaction does not forget them."""
    first = plan.world.live.get(b"big/0")
    if first is None or first.mod < plan.world.compacted:
        for number in range(3):
            fields = {"key": b"big/%d" % number, "value": keys.value(plan, 1_000_000)}
            plan.call("KV/Put", named=False, **fields)
            plan.world.put(fields["key"], fields["value"])
        first = plan.world.live[b"big/0"]
    stream = plan.world.streams["big"] = Stream("big")
    create(plan, stream, named=False, key=b"big/", range_end=b"big0", start_revision=first.mod, fragment=True)
    collect(plan, stream, named=True)
    plan.add("close", stream="big", named=False)
    del plan.world.streams["big"]
