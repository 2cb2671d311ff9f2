"""Gives the same commands of the stock etcdctl, 3.4 and 3.5, to a real etcd 3.5.1 and to the server under test, side by side, and
compares what they print, what they complain and how they exit. Ids are the same on both, for they come from the same flags."""
import re
import shlex

from support.checks import check, finish
from support.servers import ETCD, ETCDCTLS, PEER_URL, Server, run

LEASE = 0x1234567890  # granted by the test, so that its id is known

# A line is a command; behind ` <<< ` stands its standard input, with \n for a new line.
COMMANDS = r"""
put foo bar
put foo bar2 --prev-kv
put new value --prev-kv
put empty ''
put from-input <<< a value\nof two lines
put foo --ignore-value
put foo --ignore-value --prev-kv
put foo bar3 --ignore-value
put nothing --ignore-value
put foo bar4 --ignore-lease
put nothing bar --ignore-lease
put leased one --lease=1234567890
put leased two --ignore-lease
put leased three --lease=0
put leased four --lease=1234567890
put lost value --lease=99
put '' value
put -w json foo bar5
put -w json foo bar6 --prev-kv
put -w fields foo bar7 --prev-kv
put -w table foo bar8
put only-key
get foo
get nothing
get ''
get foo -w json
get foo -w fields
get foo -w json --prefix
get foo --hex
get foo --print-value-only
get foo --keys-only
get --prefix ''
get --prefix '' --keys-only
get --prefix '' --print-value-only
get --prefix '' --count-only
get --prefix '' --count-only -w fields
get --prefix '' --count-only -w json
get --prefix '' -w json
get --prefix e --limit 1
get --prefix '' --limit 2
get --prefix '' --limit 2 -w json
get --prefix '' --limit 0 -w json
get --from-key g
get --from-key g --limit 1 -w json
get --from-key ''
get --from-key --prefix g
get e n
get n e
get e n -w json --keys-only
get foo --rev=2
get foo --rev=3 -w json
get foo --rev=100000
get foo --rev=-1
get --prefix '' --rev=4 -w json
get --prefix '' --order=ASCEND
get --prefix '' --order=DESCEND
get --prefix '' --order=descend
get --prefix '' --order=sideways
get --prefix '' --sort-by=KEY --order=DESCEND
get --prefix '' --sort-by=CREATE --order=DESCEND -w json
get --prefix '' --sort-by=CREATE
get --prefix '' --sort-by=MODIFY --order=DESCEND
get --prefix '' --sort-by=VERSION --order=ASCEND -w json
get --prefix '' --sort-by=VALUE --order=DESCEND -w json
get --prefix '' --sort-by=VALUE --limit 2
get --prefix '' --sort-by=weather
get foo --consistency=s
get foo --consistency=l
get foo --consistency=x
get
get a b c
del nothing
del foo
del foo
put foo again
get foo -w json
del foo --prev-kv
put d/1 1
put d/2 2
put d/3 3
del d/1 d/3 --prev-kv
del --prefix d/ --prev-kv
del --prefix d/
put x/1 1
put x/2 2
del --from-key x/2 -w json
del --from-key x/1 -w fields --prev-kv
del
del ''
txn <<< value("new") = "value"\n\nput new changed\nget new\n\nput new not\n\n
txn <<< value("new") = "value"\n\nput new changed\n\nget new\ndel nothing\n\n
txn <<< mod("new") > "1"\nver("new") = "2"\n\nget new\ndel new --prev-kv\nput after txn\n\n\n
txn <<< create("after") > "0"\nmod("nothing") = "0"\n\nput one 1\nput two 2\nget --prefix ''\n\nput three 3\n\n
txn -w json <<< ver("one") != "7"\nvalue("two") < "3"\n\nput one 11 --prev-kv\nget two\ndel two --prev-kv\n\n\n
txn -w fields <<< ver("one") = "2"\n\nget one\n\n\n
txn <<< \n\n\n
txn <<< \nput dup 1\nput dup 2\n\n\n
txn <<< \nget one --rev=100000\n\n\n
txn <<< \nput dup 1 --lease=99\n\n\n
txn <<< value("leased") = "none"\n\nput found yes\n\nput found no\n\n
txn <<< nonsense\n\n\n\n
put h/1 a
put h/1 b
put h/1 c
put h/2 a
get h/1 --rev=33
compact 1
compact 20
compact 20
compact 10
compact 100000
compact nonsense
compact
compact -1
get h/1 --rev=10
get h/1 --rev=20 -w json
get --prefix '' -w json
compact --physical 30
compact --physical 32 -w json
get --prefix '' --rev=32 -w json
put utf/ключ значение
get --prefix utf/ -w json
get --prefix utf/
endpoint status -w json
endpoint status -w simple
endpoint status -w fields
endpoint status -w table
endpoint health
endpoint health -w json
endpoint hashkv -w json
endpoint hashkv --rev=34 -w json
endpoint hashkv --rev=10 -w json
endpoint hashkv --rev=100000 -w json
member list
member list -w json
member list -w table
member list -w fields
member list --hex
alarm list
alarm list -w json
version
"""

# What differs between two runs of the same server.
CHANGING = [
    (r"127\.0\.0\.1:(?!123[78]0|12379)\d+", "ENDPOINT"), (r'("(?:raft_term|raftTerm|dbSize|dbSizeInUse|raftIndex|raftAppliedIndex)"):\d+', r"\1:N"),
    (r'("(?:RaftTerm|DBSize|DBSizeInUse|RaftIndex|RaftAppliedIndex)"\s*:\s*)\d+', r"\1N"), (r"\b3\.[456]\.\d+\b", "VERSION"),
    (r'"took":"[^"]*"', '"took":T'), (r"took = [\w.µ]+", "took = T"), (r"\b\d+(\.\d+)? [kMG]?B\b", "SIZE"),
    (r"(SIZE, (?:true|false)(?:, false)?), \d+, \d+(, \d+)?", r"\1, N"), (r"(\| SIZE \| \w+ \| \w+ \|) \d+ \| \d+ \|", r"\1 N |"), (r"(N \|) \d+ \|", r"\1"),
]


def commands():
    for line in COMMANDS.strip().splitlines():
        words, _, given = line.partition(" <<< ")
        yield words, given.replace("\\n", "\n")


def settled(text):
    """A program's output without what changes from run to run, and without the widths of a table that depend on it."""
    text = re.sub(r"[-+]{4,}", "----", re.sub(r"(?m)^\|.*", lambda line: re.sub(" +", " ", line[0]), text))
    for pattern, replacement in CHANGING:
        text = re.sub(pattern, replacement, text)
    return text


def answer(program, server, words, given):
    code, out, err = run(program, "--endpoints", server.endpoint, *shlex.split(words), stdin=given, ETCDCTL_API="3")
    complaints = [line for line in err.splitlines() if not line.startswith('{"level"')]
    return code, settled(out), settled("\n".join(complaints))


def compare(version):
    program, equal, different = ETCDCTLS[version], 0, []
    with Server(ETCD) as etcd, Server() as server:
        for one in (etcd, server):
            with one.client() as client:
                client.ask("Lease/LeaseGrant", ID=LEASE, TTL=3600)
        for words, given in commands():
            expected, got = (answer(program, one, words, given) for one in (etcd, server))
            if expected == got:
                equal += 1
            else:
                different.append(f"etcdctl {words}: etcd {str(expected)[:300]}, here {str(got)[:300]}")
    check(f"etcdctl {version}: {equal} of {equal + len(different)} commands do the same as with etcd 3.5.1 at {PEER_URL}", not different,
          "\n       ".join(different[:12]))


if __name__ == "__main__":
    for each in ETCDCTLS:
        compare(each)
    finish()
