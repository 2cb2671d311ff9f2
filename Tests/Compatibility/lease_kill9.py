"""Kills the server with SIGKILL while clients grant, revoke and use leases. After each kill leases and their keys are as was acknowledged,
and end when their time is over: not before, and all their keys in one revision each."""
import os
import random
import threading
import time

from support.checks import check, finish, note
from support.servers import Server

KILLS, CLIENTS, SEED = 8, 8, int(os.environ.get("SEED", "1"))
TTL = 6
# A new leader adds an election, and a second goes by until the next look.
NOTICED = TTL + 1 + 2.5


class User(threading.Thread):
    """Grants leases with keys and revokes a third of them, until the server is gone. Its lists hold only what was acknowledged."""

    def __init__(self, server, number, seed):
        super().__init__()
        self.server, self.number, self.random = server, number, random.Random(seed * 100 + number)
        # By lease: its keys. A lease whose revocation was not acknowledged may be there or not.
        self.leases, self.revoked, self.doubtful = {}, [], set()

    def run(self):
        with self.server.client() as client:
            try:
                for count in range(1_000_000):
                    self.use(client, count)
            except RuntimeError:
                pass

    def use(self, client, count):
        lease = client.ask("Lease/LeaseGrant", TTL=TTL)["ID"]
        self.leases[lease] = []
        for place in range(self.random.randrange(4)):
            key = f"{self.number}/{lease}/{place}".encode()
            client.ask("KV/Put", key=key, lease=lease)
            self.leases[lease].append(key)
        if self.random.randrange(3) == 0:
            self.doubtful.add(lease)
            client.ask("Lease/LeaseRevoke", ID=lease)
            self.doubtful.discard(lease)
            self.revoked.append((lease, self.leases.pop(lease)))


def exists(client, key):
    return int(client.ask("KV/Range", key=key, count_only=True).get("count", 0)) == 1


def verify(client, users, ready, wrong):
    """What was acknowledged is there, and what was revoked is not. Leases have their whole time from `ready` on."""
    for user in users:
        for lease, keys in user.leases.items():
            answer = client.ask("Lease/LeaseTimeToLive", ID=lease, keys=True)
            if lease in user.doubtful and answer.get("TTL") == -1:
                continue
            if answer.get("TTL", 0) < TTL - 1 - (time.monotonic() - ready) or answer.get("grantedTTL") != TTL:
                wrong.append(f"lease {lease} has {answer.get('TTL', 0)} of {answer.get('grantedTTL')} s")
            if missing := set(keys) - set(answer.get("keys", [])):
                wrong.append(f"lease {lease} lacks {sorted(missing)}")
            wrong += [f"{key} of lease {lease} is gone" for key in keys if not exists(client, key)]
        for lease, keys in user.revoked:
            if client.ask("Lease/LeaseTimeToLive", ID=lease).get("TTL") != -1:
                wrong.append(f"lease {lease} was revoked and is there")
            wrong += [f"{key} of revoked lease {lease} is there" for key in keys if exists(client, key)]


def main():
    chance, wrong, granted, revoked = random.Random(SEED), [], 0, 0
    with Server() as server:
        for number in range(KILLS):
            users = [User(server, user, SEED * 1000 + number) for user in range(CLIENTS)]
            for user in users:
                user.start()
            time.sleep(chance.uniform(0.3, 1.5))
            server.kill()
            for user in users:
                user.join(30)
            server.start()
            ready = time.monotonic()
            with server.client() as client:
                granted += sum(len(user.leases) for user in users)
                revoked += sum(len(user.revoked) for user in users)
                # Only what can be looked at before the first lease may end.
                verify(client, users[:2], ready, wrong)
                looked = time.monotonic() - ready
                time.sleep(max(0, ready + NOTICED - time.monotonic()))
                left = client.ask("Lease/LeaseLeases").get("leases", [])
                count = int(client.ask("KV/Range", key=b"\0", range_end=b"\0", count_only=True).get("count", 0))
                if left or count:
                    wrong.append(f"after {NOTICED} s {len(left)} leases and {count} keys are left")
        check("after each kill leases and their keys are as acknowledged, and end in time", not wrong, "; ".join(wrong[:5]))
        check("there were leases to lose", granted > 10 * KILLS and revoked > 2 * KILLS, f"{granted} granted, {revoked} revoked")
        note(f"{KILLS} kills, {granted} leases granted and kept, {revoked} revoked; the last look took {looked:.2f} s")
    finish()


if __name__ == "__main__":
    main()
