"""Builds what a Dockerfile describes without a container engine: its RUN lines are executed in a root made by debootstrap.

The first stage compiles. It is not run as it stands: the program that `make` has built is taken in place of `make release`,
and what its last RUN does with it is done, on this machine's own programs. The last stage is run instruction by instruction.
What does not hang on the program is kept under .build/deploy and taken again as long as its instructions are the same."""
import hashlib
import os
import re
import shutil
import subprocess

from support.dockerfile import Configuration, parse
from support.servers import ROOT, SERVER, environment

CACHE = os.path.join(ROOT, ".build", "deploy")
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

# A root with this machine's programs, the checkout with nothing built in it but the program, and an empty /out.
BUILD = r"""
set -eu
root=$1 checkout=$2 program=$3 directory=$4 line=$5
mkdir -p "$root/usr" "$root/etc" "$root/dev" "$root/tmp" "$root/out" "$root$directory"
for name in bin sbin lib lib64; do
    if [ -L /$name ]; then ln -s "$(readlink /$name)" "$root/$name"; else mkdir "$root/$name"; mount --bind -o ro /$name "$root/$name"; fi
done
for name in usr etc; do mount --bind -o ro /$name "$root/$name"; done
mount --rbind /dev "$root/dev"
mount --bind -o ro "$checkout" "$root$directory"
mount -t tmpfs built "$root$directory/.build"
mkdir "$root$directory/.build/release"
touch "$root$directory/.build/release/martlet"
mount --bind -o ro "$program" "$root$directory/.build/release/martlet"
exec chroot "$root" /usr/bin/env -i -C "$directory" PATH="$PATH" /bin/sh -c "$line"
"""

# A RUN line of the last stage.
RUN = r"""
set -eu
root=$1 directory=$2
shift 2
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
touch "$root/etc/resolv.conf"
mount --bind /etc/resolv.conf "$root/etc/resolv.conf"
exec chroot "$root" /usr/bin/env -i -C "$directory" PATH="$PATH" HOME=/root DEBIAN_FRONTEND=noninteractive "$@"
"""

# What Debian's slim image leaves out.
DOCUMENTATION = ["doc", "man", "info", "locale", "lintian"]


class BuildError(Exception):
    pass


def execute(*command, seconds=600, **options):
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=seconds, check=False, **options)
    if done.returncode != 0:
        raise BuildError(f"{' '.join(command)[-200:]}: code {done.returncode}: {(done.stdout + done.stderr)[-1500:]}")
    return done.stdout


def script(text, *arguments, seconds=600):
    """Executes a shell script in mounts of its own."""
    return execute("unshare", "--mount", "sh", "-c", text, "sh", *arguments, seconds=seconds, env={**environment(), "PATH": PATH})


def replaced(path):
    """An empty place for a root that is yet to be made."""
    shutil.rmtree(path, ignore_errors=True)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    return path


class Image:
    """`root` is the folder that holds its files, `configuration` what it says of containers, `added` the bytes it adds to its base."""

    def __init__(self, path):
        with open(path, encoding="utf-8") as file:
            self.stages = parse(file.read())
        self.configuration, self.root = Configuration(self.stages[-1]), os.path.join(CACHE, "image")

    def obstacle(self):
        """Why what this machine builds is not for the image; empty if it is."""
        with open("/etc/os-release", encoding="utf-8") as file:
            name = re.search(r"^VERSION_CODENAME=(\w+)", file.read(), re.MULTILINE)
        here, wanted = name and name[1], suite(self.stages[-1].base)
        return "" if here == wanted else f"the image is of Debian's {wanted}, and this machine {here}: it has other libraries"

    def build(self):
        build, last = self.stages
        release = self.release(build)
        out = self.stage(build, release)
        kept, rest = self.split(last)
        base = debootstrap(last.base)
        layer = self.layer(base, kept)
        execute("cp", "-a", layer, replaced(self.root))
        for instruction in rest:
            match instruction.name:
                case "COPY":
                    self.copy(instruction, build.name, out)
                case "RUN":
                    script(RUN, self.root, "/", *instruction.command())
        for name in ("hosts", "hostname", "resolv.conf"):  # a container engine mounts its own over them
            with open(os.path.join(self.root, "etc", name), "a", encoding="ascii"):
                pass
        self.added = size(self.root) - size(base)

    def release(self, stage):
        """The RUN line that makes the program and what follows `make release` in it."""
        runs = [instruction.text for instruction in stage.instructions if instruction.name == "RUN"]
        match = re.fullmatch(r"make release\s+&&\s+(.*)", runs[-1])
        if not match:
            raise BuildError(f"the first stage does not end in `make release && ...`: {runs[-1]}")
        return match[1]

    def stage(self, stage, line):
        """Executes what follows `make release`; the folder of what it left in /out."""
        directory = next(instruction.text for instruction in stage.instructions if instruction.name == "WORKDIR")
        copies = [instruction.words() for instruction in stage.instructions if instruction.name == "COPY"]
        if copies != [[".", "."]]:
            raise BuildError(f"the first stage is to copy the whole checkout, and nothing else: {copies}")
        root = replaced(os.path.join(CACHE, "build"))
        script(BUILD, root, ROOT, SERVER, directory, line)
        return root

    def split(self, stage):
        """What does not hang on the program, and the rest."""
        first = next(place for place, instruction in enumerate(stage.instructions) if instruction.name == "COPY")
        return stage.instructions[:first], [found for found in stage.instructions[first:] if found.name in ("COPY", "RUN")]

    def layer(self, base, instructions):
        digest = hashlib.sha256("\n".join([base, *(instruction.text for instruction in instructions)]).encode()).hexdigest()[:16]
        path = os.path.join(CACHE, f"layer-{digest}")
        if not os.path.exists(path):
            for name in os.listdir(CACHE):
                if name.startswith("layer-"):
                    shutil.rmtree(os.path.join(CACHE, name))
            execute("cp", "-a", base, path + ".new")
            for instruction in instructions:
                if instruction.name != "RUN":
                    raise BuildError(f"to be kept among the files, and no RUN: {instruction}")
                script(RUN, path + ".new", "/", *instruction.command())
            os.rename(path + ".new", path)
        return path

    def copy(self, instruction, stage, root):
        source, target = instruction.words()
        if instruction.flags != {"from": stage} or not source.endswith("/") or not target.endswith("/"):
            raise BuildError(f"a COPY that this test does not know: {instruction}")
        execute("cp", "-a", root + source + ".", self.root + target)

    def user(self):
        """(user id, group id) of its processes; both must be numbers, for those who check that they are not 0 without the image."""
        user, group = self.configuration.user.split(":")
        return int(user), int(group)


def suite(image):
    return re.fullmatch(r"debian:(\w+)-slim", image)[1]


def debootstrap(image):
    """The root of a Debian as small as it gets, from where this machine's own packages come; made once."""
    path = os.path.join(CACHE, f"base-{suite(image)}")
    if os.path.exists(path):
        return path
    sources = archives(suite(image))
    new = replaced(path + ".new")
    execute("debootstrap", "--variant=minbase", suite(image), new, sources[0][0], seconds=900)
    with open(os.path.join(new, "etc/apt/sources.list"), "w", encoding="utf-8") as file:
        file.writelines(f"deb {site} {release} main\n" for site, release in sources)
    with open(os.path.join(new, "etc/apt/apt.conf.d/90machine"), "w", encoding="utf-8") as file:
        file.write("".join(line + "\n" for line in execute("apt-config", "dump", "Acquire").splitlines()
                           if re.match(r"Acquire::(https?::|Check-|Retries|Languages)", line)))
    with open(os.path.join(new, "etc/dpkg/dpkg.cfg.d/slim"), "w", encoding="utf-8") as file:
        file.writelines(f"path-exclude /usr/share/{name}/*\n" for name in DOCUMENTATION)
    for folder in (*(f"usr/share/{name}" for name in DOCUMENTATION), "var/cache/apt", "var/lib/apt/lists", "var/log"):
        for name in os.listdir(os.path.join(new, folder)) if os.path.isdir(os.path.join(new, folder)) else []:
            found = os.path.join(new, folder, name)
            shutil.rmtree(found) if os.path.isdir(found) else os.remove(found)
    os.rename(new, path)
    return path


def archives(name):
    """[(site, release)] of this machine's own sources of a suite's packages, the suite itself first."""
    lines = execute("apt-get", "indextargets", "--format", "$(SITE) $(RELEASE) $(COMPONENT)", "Identifier: Packages").splitlines()
    found = {tuple(line.split()[:2]) for line in lines if line.endswith(" main") and line.split()[1] in (name, f"{name}-updates", f"{name}-security")}
    sources = sorted(found, key=lambda source: source[1])
    if not sources or sources[0][1] != name:
        raise BuildError(f"this machine's apt knows no archive of {name}")
    return sources


def size(folder):
    """Bytes of the files in a folder; a file with several names counts once."""
    return int(execute("du", "--summarize", "--bytes", "--one-file-system", folder).split()[0])
