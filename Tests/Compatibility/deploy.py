"""What stands in deploy/, done as it stands there, with no container engine: see support/images.py and support/containers.py.

The Dockerfile makes an image, the image serves; three members come up by compose.yaml, one is killed and comes back; the systemd unit's
command tells systemd that it is ready."""
import json
import os
import re
import shutil
import socket
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

from support import checks, compose
from support.checks import check, finish, note, skip
from support.containers import Container, Host, enter, obstacle
from support.images import BuildError, Image
from support.servers import ETCDCTLS, ROOT, environment, run

DEPLOY = os.path.join(ROOT, "deploy")
COMPOSE, UNIT = (os.path.join(DEPLOY, name) for name in ("compose.yaml", "martlet.service"))
# More than the libraries named and the program need would be a mistake.
LARGEST_ADDITION = 120 << 20


def etcdctl(endpoints, *words):
    """The output of a real etcdctl, or what went wrong after `failed`."""
    code, out, err = run(ETCDCTLS["3.5"], "--endpoints", ",".join(endpoints), "--dial-timeout=3s", "--command-timeout=8s", *words)
    return out if code == 0 else f"failed ({code}): {err[-300:]}"


def builds(image):
    """The image from the Dockerfile. When anything fails here, nothing that follows would mean much."""
    planned = subprocess.run(["make", "--no-print-directory", "-n", "release"], cwd=ROOT, env=environment(), capture_output=True, text=True, check=False)
    check("the image's `make release` is the Makefile's, and makes the server", planned.returncode == 0
          and "--product martlet" in planned.stdout, planned.stdout + planned.stderr)
    left_out = ignored()
    check(".dockerignore leaves out what is built, and nothing that git tracks", ".build" in left_out[0] and not left_out[1], left_out)
    began = time.time()
    try:
        image.build()
        problem = ""
    except BuildError as error:
        problem = error
    if not check("the Dockerfile's instructions make an image", not problem, problem):
        finish()
    note(f"{time.time() - began:.0f} s; it adds {image.added / 1e6:.0f} MB to its base")
    check("the image adds little to its base", image.added < LARGEST_ADDITION, image.added)
    lists = os.listdir(os.path.join(image.root, "var/lib/apt/lists"))
    check("no package lists are left in it", not lists, lists[:3])
    check("its user is nobody's superuser, and given by number", min(image.user()) > 0, image.configuration.user)
    if checks.failed:
        finish()


def ignored():
    """(patterns of .dockerignore, tracked files that they match)"""
    with open(os.path.join(ROOT, ".dockerignore"), encoding="utf-8") as file:
        patterns = [line.strip() for line in file if line.strip() and not line.startswith("#")]
    expressions = [re.compile("".join({"**/": "(?:.*/)?", "*": "[^/]*"}.get(part, re.escape(part)) for part in re.split(r"(\*\*/|\*)", pattern)) + "(?:/.*)?")
                   for pattern in patterns]
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    return patterns, [path for path in tracked if any(expression.fullmatch(path) for expression in expressions)]


def one_container(image):
    """`docker run` of the image, with all that can be withheld from it withheld."""
    configuration, host = image.configuration, Host("martlet")
    with Container(image, host) as container:
        endpoint = f"{host.address}:{configuration.ports[0]}"
        if not check("a container of the image gets well by its health check", container.wait_healthy(), container.log_tail()):
            return
        with open(f"/proc/{container.pid()}/status", encoding="ascii") as status:
            fields = dict(line.split(":\t", 1) for line in status.read().splitlines())
        rights = {name: fields[name].strip() for name in ("Uid", "Gid", "Groups", "CapEff", "CapBnd", "NoNewPrivs")}
        check("its process has the image's user and no rights", fields["Uid"].split() == [str(image.user()[0])] * 4 and int(rights["CapBnd"], 16) == 0, rights)
        check("a real etcdctl is served from outside", etcdctl([endpoint], "put", "k", "v") == "OK\n" and etcdctl([endpoint], "get", "k") == "k\nv\n",
              container.log_tail())
        code, out = container.execute(["etcd", "--version"])
        check("`etcd` in it is Martlet, as an etcd 3.6", code == 0 and out.startswith("etcd Version: 3.6") and "Martlet" in out, (code, out))
        code, out = container.execute(["sh", "-c", "! touch /usr/local/bin/x /etc/x /x"])
        check("its root cannot be written to", code == 0, out)
        began = time.time()
        code = container.stop()
        check("it stops within the time that an engine gives", code == 0, (code, container.log_tail()))
        check("stopped, it is not well", not container.healthy())
        note(f"stopped in {time.time() - began:.1f} s")
        container.start()
        check("begun again on the same volume, it has its data", container.wait_healthy() and etcdctl([endpoint], "get", "k") == "k\nv\n", container.log_tail())
    with Container(image, host, ["sleep", "60"]) as container:
        check("a container that serves nothing is not well", container.execute(["true"])[0] == 0 and not container.healthy(), container.execute(["true"]))


def statuses(endpoints):
    """[(member, leader, revision)] of those that answer."""
    text = etcdctl(endpoints, "endpoint", "status", "-w", "json")
    try:
        return [(found["Status"]["header"]["member_id"], found["Status"].get("leader"), found["Status"]["header"]["revision"]) for found in json.loads(text)]
    except ValueError:
        return text


def declared(services):
    """What a reader may expect of a compose file with three members."""
    check("compose.yaml: three members of the same image, built from the Dockerfile", [service.image for service in services] == ["martlet"] * 3
          and all(service.build == {"context": "..", "dockerfile": "deploy/Dockerfile"} for service in services), [vars(service) for service in services])
    check("each begins again when it has ended, in a root that cannot be written to and without rights",
          all(service.restart == "unless-stopped" and service.hardened for service in services), [vars(service) for service in services])
    shown = [(address, port) for service in services for address, port, _ in service.ports]
    check("each has a volume and a port of its own, shown on the loopback interface alone", len({*shown}) == 3 == len({name for service in services for name in service.volumes})
          and {address for address, _ in shown} == {"127.0.0.1"}, shown)


def three_members(image):
    services = compose.load(COMPOSE)
    declared(services)
    hosts = [Host(service.hostname) for service in services]
    members = [Container(image, host, service.command, hosts, service.volumes, service.health, grace=service.grace) for service, host in zip(services, hosts)]
    endpoints = [f"{host.address}:{service.ports[0][2]}" for service, host in zip(services, hosts)]
    try:
        for member in members:
            member.start()
        if check("three members come up by compose.yaml and get well", together(Container.wait_healthy, members), logs(members)):
            one_dies(members, endpoints)
            all_stop(members, endpoints)
    finally:
        for member in members:
            member.close()


def together(work, items):
    """Whether all of them gave true."""
    with ThreadPoolExecutor(len(items)) as pool:
        return all(pool.map(work, items))


def logs(members):
    return "\n".join(f"{member.host.name}: {member.log_tail(700)}" for member in members)


def one_dies(members, endpoints):
    """The leader is killed; the others serve; it comes back and has what it missed."""
    listed = etcdctl(endpoints[:1], "member", "list").splitlines()
    check("etcdctl lists three members, all started", len(listed) == 3 and all(", started, " in line for line in listed), listed)
    puts = [etcdctl([endpoint], "put", f"k{number}", f"v{number}") for number, endpoint in enumerate(endpoints)]
    gets = [etcdctl([endpoint], "get", "--prefix", "--print-value-only", "k").split() for endpoint in endpoints]
    check("each takes writes and reads all of them", puts == ["OK\n"] * 3 and gets == [["v0", "v1", "v2"]] * 3, (puts, gets))
    found = statuses(endpoints)
    leaders = {leader for _, leader, _ in found} if isinstance(found, list) else set()
    if not check("all follow the same leader", len(found) == 3 and len(leaders) == 1, found):
        return
    dying = next(number for number, (member, leader, _) in enumerate(found) if member == leader)
    others = [endpoint for number, endpoint in enumerate(endpoints) if number != dying]
    began = time.time()
    members[dying].kill()
    end = time.time() + 20
    while (answer := etcdctl(others, "put", "missed", "it", "--command-timeout=1s")) != "OK\n" and time.time() < end:
        time.sleep(0.1)
    check("with the leader killed the others serve", answer == "OK\n", (answer, logs(members)))
    note(f"{time.time() - began:.1f} s after the kill")
    check("what was acknowledged before is there", etcdctl(others, "get", "--prefix", "--print-value-only", "k").split() == ["v0", "v1", "v2"])
    members[dying].start()
    check("begun again, it gets well", members[dying].wait_healthy(), members[dying].log_tail())
    missed = etcdctl([endpoints[dying]], "get", "--consistency=s", "--print-value-only", "missed")
    check("and has what it missed", missed == "it\n", missed)


def all_stop(members, endpoints):
    """`docker compose stop` and `start`."""
    codes = []
    together(lambda member: codes.append(member.stop()) or True, members)
    check("all stop within their time", codes == [0, 0, 0], (codes, logs(members)))
    for member in members:
        member.start()
    well = together(Container.wait_healthy, members)
    check("all begin again, with their data", well and etcdctl(endpoints, "get", "--print-value-only", "missed") == "it\n", logs(members))
    hashes = etcdctl(endpoints, "endpoint", "hashkv", "-w", "json")
    check("which is the same on all", len({found["HashKV"]["hash"] for found in json.loads(hashes)} if hashes.startswith("[") else "") == 1, hashes)


def unit(image):
    """The systemd unit's command in the image, which has the same folders, with a socket where systemd listens."""
    with open(UNIT, encoding="utf-8") as file:
        fields = dict(line.strip().split("=", 1) for line in file if "=" in line and not line.startswith("#"))
    command, state = fields["ExecStart"].split(), "/var/lib/" + fields["StateDirectory"]
    check("the unit's folder is the image's", state in image.configuration.volumes and fields["Type"] == "notify", fields)
    with closing(Container(image, Host("unit"), command, environment_variables={"NOTIFY_SOCKET": f"{state}/notify"})) as container:
        said = listen(os.path.join(container.volumes[state], "notify"), container)
        check("the unit's command tells systemd that it is ready", b"READY=1" in said, (said, container.log_tail()))
        code = container.stop()
        check("and ends well when systemd ends it", code == 0, (code, container.log_tail()))
    analyze = shutil.which("systemd-analyze")
    if not analyze:
        skip("systemd-analyze finds nothing wrong with the unit", "there is no systemd-analyze")
        return
    place = os.path.dirname(command[0])
    subprocess.run(["mount", "--bind", image.root + place, place], check=True)  # seen by this test alone
    code, out, err = run(analyze, "verify", UNIT)
    check("systemd-analyze finds nothing wrong with the unit", code == 0 and "martlet" not in out + err, out + err)


def listen(path, container):
    """Begins a container and waits for what it says to a socket."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(path)
        os.chmod(path, 0o777)
        systemd.settimeout(20)
        container.start()
        try:
            return systemd.recv(1000)
        except TimeoutError:
            return b""


def main():
    image = Image(os.path.join(DEPLOY, "Dockerfile"))
    if why := obstacle() or image.obstacle():
        skip("what deploy/ says is done as it says", why)
        finish()
    enter(lambda: builds(image))
    one_container(image)
    three_members(image)
    unit(image)
    finish()


if __name__ == "__main__":
    main()
