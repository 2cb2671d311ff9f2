"""Reads a Dockerfile: as much of the language as deploy/Dockerfile needs. Anything else is an error, never passed over."""
import json
import re
import shlex
from typing import NamedTuple

KNOWN = {"FROM", "RUN", "COPY", "USER", "WORKDIR", "VOLUME", "EXPOSE", "STOPSIGNAL", "HEALTHCHECK", "ENTRYPOINT", "CMD"}


class Instruction(NamedTuple):
    name: str
    flags: dict  # {"from": "build"} of --from=build
    text: str    # what follows the flags

    def command(self):
        """What is to be executed: the words of the exec form, or a shell with the shell form."""
        return json.loads(self.text) if self.text.startswith("[") else ["/bin/sh", "-c", self.text]

    def words(self):
        return json.loads(self.text) if self.text.startswith("[") else shlex.split(self.text)


class Stage(NamedTuple):
    base: str
    name: str
    instructions: list


class Healthcheck(NamedTuple):
    command: list
    interval: float
    timeout: float
    start_period: float
    retries: int


def parse(text):
    """The stages of a Dockerfile, in order."""
    stages = []
    for line in logical_lines(text):
        name, _, rest = line.partition(" ")
        instruction = Instruction(name.upper(), *split_flags(rest.strip()))
        if instruction.name not in KNOWN:
            raise ValueError(f"an instruction that this test does not know: {line}")
        if instruction.name == "FROM":
            base, *alias = instruction.words()
            stages.append(Stage(base, alias[1] if alias else "", []))
        elif not stages:
            raise ValueError(f"before the first FROM: {line}")
        else:
            stages[-1].instructions.append(instruction)
    return stages


def logical_lines(text):
    """Lines without comments, those that end in a backslash joined with the next."""
    whole = ""
    for line in text.splitlines():
        if line.lstrip().startswith("#") or not line.strip():
            continue
        whole += line.strip()
        if whole.endswith("\\"):
            whole = whole[:-1].rstrip() + " "
        else:
            yield whole
            whole = ""


def split_flags(rest):
    flags = {}
    while match := re.match(r"--([a-z-]+)=(\S+)\s+", rest):
        flags[match[1]] = match[2]
        rest = rest[match.end():]
    return flags, rest


def seconds(text):
    """A duration in the way of Go: 1m30s, 500ms."""
    units = {"ms": 0.001, "s": 1, "m": 60, "h": 3600}
    parts = re.findall(r"(\d+)(ms|s|m|h)", text)
    if "".join(number + unit for number, unit in parts) != text or not text:
        raise ValueError(f"no duration: {text}")
    return sum(int(number) * units[unit] for number, unit in parts)


class Configuration:
    """What an image says of the containers that run it: the last stage's instructions without those that fill its files."""

    def __init__(self, stage):
        self.user, self.directory, self.volumes, self.ports, self.signal = "0", "/", [], [], "SIGTERM"
        self.entrypoint, self.arguments, self.health = [], [], None
        for instruction in stage.instructions:
            match instruction.name:
                case "USER":
                    self.user = instruction.text
                case "WORKDIR":
                    self.directory = instruction.text
                case "VOLUME":
                    self.volumes += instruction.words()
                case "EXPOSE":
                    self.ports += [int(port) for port in instruction.words()]
                case "STOPSIGNAL":
                    self.signal = instruction.text
                case "ENTRYPOINT":
                    self.entrypoint = instruction.command()
                case "CMD":
                    self.arguments = instruction.command()
                case "HEALTHCHECK":
                    self.health = health(instruction)

    def command(self, arguments=None):
        return self.entrypoint + (self.arguments if arguments is None else arguments)


def health(instruction):
    kind, _, command = instruction.text.partition(" ")
    if kind != "CMD":
        raise ValueError(f"no health check: {instruction.text}")
    flags = instruction.flags
    return Healthcheck(Instruction("CMD", {}, command.strip()).command(), seconds(flags.get("interval", "30s")),
                       seconds(flags.get("timeout", "30s")), seconds(flags.get("start-period", "0s")), int(flags.get("retries", 3)))
