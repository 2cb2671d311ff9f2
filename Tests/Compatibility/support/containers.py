"""Runs an image's root as a container engine would, in namespaces of the test's own: nothing of it is seen, or left, outside.

A test calls `enter` first: the program then runs again in new mount, network and process namespaces, and all that it starts ends with
it. Hosts are network namespaces on one bridge. A container is the first process of namespaces of its own, with the image's root
mounted read-only, no rights at all, and its volumes and /etc/hosts over it: all that an engine can be told to withhold is withheld."""
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

from support.images import PATH
from support.servers import environment

INSIDE = "--in-namespaces"
NAMESPACES = ["unshare", "--mount", "--net", "--pid", "--ipc", "--fork", "--kill-child", "--mount-proc"]
NETWORK = "10.42.0."

LAUNCH = r"""
set -eu
image=$1 work=$2 directory=$3 hostname=$4 volumes=$5
shift 5
root=$work/root
hostname "$hostname"
mkdir -p "$root"
mount --bind "$image" "$root"
mount -o remount,bind,ro "$root"
mount -t proc -o nosuid,nodev,noexec proc "$root/proc"
mount -t sysfs -o ro,nosuid,nodev,noexec sysfs "$root/sys"
mount -t tmpfs -o mode=755,nosuid,noexec,size=64k dev "$root/dev"
for name in null zero full random urandom; do touch "$root/dev/$name"; mount --bind "/dev/$name" "$root/dev/$name"; done
ln -s /proc/self/fd "$root/dev/fd"
for name in hosts hostname resolv.conf; do mount --bind "$work/$name" "$root/etc/$name"; done
printf '%s\n' "$volumes" | while IFS=: read -r source target; do [ -z "$source" ] || mount --bind "$source" "$root$target"; done
exec chroot "$root" /usr/bin/env -i -C "$directory" "$@"
"""


def obstacle():
    """Why this machine cannot do it; empty if it can."""
    if os.geteuid() != 0:
        return "only root can make a root and namespaces"
    for program in ("debootstrap", "unshare", "nsenter", "ip", "chroot", "setpriv"):
        if not shutil.which(program, path=PATH):
            return f"there is no {program}"
    done = subprocess.run([*NAMESPACES, "sh", "-c", "ip link add name one type bridge && ip link add name two type veth peer name three && ip netns list && mount -t sysfs s /sys"],
                          capture_output=True, text=True, check=False)
    return f"namespaces, bridges or mounts are not to be had: {done.stderr.strip()}" if done.returncode else ""


def enter(before):
    """Begins the program anew in namespaces of its own, after what is to be done outside; comes back only there."""
    if INSIDE not in sys.argv:
        before()
        sys.stdout.flush()
        os.execvp(NAMESPACES[0], [*NAMESPACES, sys.executable, "-B", *sys.argv, INSIDE])
    ip("link", "set", "lo", "up")
    ip("link", "add", "name", "bridge", "type", "bridge")
    ip("address", "add", NETWORK + "1/24", "dev", "bridge")
    ip("link", "set", "bridge", "up")
    os.makedirs("/run/netns", exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "names", "/run/netns"], check=True)


def ip(*words):
    subprocess.run(["ip", *words], check=True)


class Host:
    """A network namespace with one address on the bridge."""
    count = 1

    def __init__(self, name):
        Host.count += 1
        self.name, self.address = name, f"{NETWORK}{Host.count}"
        ip("netns", "add", name)
        ip("link", "add", "name", f"to-{name}", "type", "veth", "peer", "name", "eth0", "netns", name)
        ip("link", "set", f"to-{name}", "master", "bridge")
        ip("-n", name, "link", "set", "lo", "up")
        ip("-n", name, "address", "add", self.address + "/24", "dev", "eth0")
        ip("-n", name, "link", "set", "eth0", "up")

    def plug(self, state):
        """Up, or down: a container that is gone does not answer, not even with a refusal."""
        ip("link", "set", f"to-{self.name}", state)


class Container:
    """A command in an image, on a host."""

    def __init__(self, image, host, command=None, hosts=(), volumes=None, health=None, environment_variables=None, grace=10):
        self.image, self.host, self.command = image, host, image.configuration.command(command)
        self.health, self.grace, self.variables = health or image.configuration.health, grace, environment_variables or {}
        self.folder, self.process = tempfile.mkdtemp(prefix="martlet-container-"), None
        self.log = os.path.join(self.folder, "log")
        # As an engine does, every volume that the image names and nobody mounts is a new one.
        names = {**{path: path.strip("/").replace("/", "-") for path in image.configuration.volumes},
                 **{path: name for name, path in (volumes or {}).items()}}
        self.volumes = {path: self.volume(name, path) for path, name in names.items()}
        self.write("hosts", "127.0.0.1 localhost\n" + "".join(f"{other.address} {other.name}\n" for other in hosts or [host]))
        self.write("hostname", host.name + "\n")
        self.write("resolv.conf", "")

    def write(self, name, text):
        with open(os.path.join(self.folder, name), "w", encoding="ascii") as file:
            file.write(text)

    def volume(self, name, path):
        """A new volume gets the image's folder at its place, with its owner and rights."""
        source, target = self.image.root + path, os.path.join(self.folder, "volumes", name)
        os.makedirs(target)
        if os.path.isdir(source):
            status = os.stat(source)
            os.chown(target, status.st_uid, status.st_gid)
            os.chmod(target, status.st_mode)
        return target

    def words(self, command):
        """A command as the image's user, without any right, in the environment that an engine gives."""
        user, group = self.image.user()
        variables = {"PATH": PATH, "HOSTNAME": self.host.name, **self.variables}
        return [*(f"{name}={value}" for name, value in variables.items()), "setpriv", f"--reuid={user}", f"--regid={group}", "--clear-groups",
                "--inh-caps=-all", "--ambient-caps=-all", "--bounding-set=-all", "--no-new-privs", *command]

    def start(self):
        self.host.plug("up")
        volumes = "\n".join(f"{source}:{target}" for target, source in self.volumes.items())
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                ["nsenter", f"--net=/run/netns/{self.host.name}", "unshare", "--mount", "--pid", "--uts", "--ipc", "--fork", "--kill-child",
                 "sh", "-c", LAUNCH, "sh", self.image.root, self.folder, self.image.configuration.directory, self.host.name, volumes,
                 *self.words(self.command)], stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment())
        end = time.time() + 30
        while self.process.poll() is None and not self.begun() and time.time() < end:
            time.sleep(0.01)
        return self

    def begun(self):
        """Whether its first process is in the image's root already."""
        try:
            return os.path.samestat(os.stat(f"/proc/{self.pid()}/root"), os.stat(self.image.root))
        except OSError:
            return False

    def pid(self):
        """The first process in it, by the number that it has outside; None when there is none."""
        try:
            with open(f"/proc/{self.process.pid}/task/{self.process.pid}/children", encoding="ascii") as children:
                found = children.read().split()
        except FileNotFoundError:
            return None
        return int(found[0]) if found else None

    def execute(self, command, seconds=20):
        """(exit code, output) of another command in it, as `docker exec` has it; code 124 when it took too long."""
        pid = self.pid()
        if pid is None:
            return 125, "it does not run"
        inside = ["nsenter", f"--target={pid}", "--mount", "--net", "--pid", "--uts", "--ipc", "--root", "env", "-i", "-C",
                  self.image.configuration.directory, *self.words(command)]
        with subprocess.Popen(inside, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              errors="replace", env=environment(), start_new_session=True) as process:
            try:
                return process.wait(seconds), process.stdout.read()
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                return 124, "it took too long"

    def healthy(self):
        return self.execute(self.health.command, self.health.timeout)[0] == 0

    def wait_healthy(self):
        """Whether it gets well in the time that its health check leaves it. The check is made oftener than it says, to be quick."""
        end = time.time() + self.health.start_period + self.health.retries * self.health.interval
        while time.time() < end and self.process.poll() is None:
            if self.healthy():
                return True
            time.sleep(0.1)
        return False

    def kill(self):
        """Its end without notice, and its host's from the network."""
        self.host.plug("down")
        os.kill(self.pid() or self.process.pid, signal.SIGKILL)
        self.process.wait()

    def stop(self):
        """As an engine stops it; the exit code, or None if it had to be killed."""
        self.signal(signal.Signals[self.image.configuration.signal])
        try:
            return self.process.wait(self.grace)
        except subprocess.TimeoutExpired:
            self.kill()
            return None

    def signal(self, number):
        if pid := self.pid():
            os.kill(pid, number)

    def log_tail(self, length=1500):
        with open(self.log, "rb") as log:
            return log.read()[-length:].decode("utf-8", "replace")

    def close(self):
        if self.process and self.process.poll() is None:
            self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.close()
