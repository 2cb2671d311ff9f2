"""Reads a compose file: the keys that deploy/compose.yaml needs. Any other is an error, never passed over."""
import re

import yaml

from support.dockerfile import Healthcheck, seconds

SERVICE = {"build", "image", "hostname", "command", "volumes", "ports", "healthcheck", "restart", "read_only", "cap_drop",
           "security_opt", "stop_grace_period"}


class Service:
    """One service: the command of its container, what is mounted where, which ports the host shows, what tells that it is well."""

    def __init__(self, name, fields):
        if unknown := fields.keys() - SERVICE:
            raise ValueError(f"keys of a service that this test does not know: {sorted(unknown)}")
        self.name, self.image, self.build = name, fields["image"], fields.get("build")
        self.hostname, self.command, self.restart = fields.get("hostname", name), fields.get("command"), fields.get("restart", "no")
        if isinstance(self.command, str):
            raise ValueError("a command is to be a list of words")
        self.volumes = dict(volume.split(":") for volume in fields.get("volumes", []))
        self.ports = [published(port) for port in fields.get("ports", [])]
        self.grace = seconds(fields.get("stop_grace_period", "10s"))
        self.hardened = (fields.get("read_only") is True and fields.get("cap_drop") == ["ALL"]
                         and fields.get("security_opt") == ["no-new-privileges:true"])
        self.health = healthcheck(fields["healthcheck"]) if "healthcheck" in fields else None


def published(port):
    """(address of the host, its port, the container's port)"""
    match = re.fullmatch(r"([\d.]+):(\d+):(\d+)", port)
    if not match:
        raise ValueError(f"a port is to be published with address, port and port: {port}")
    return match[1], int(match[2]), int(match[3])


def healthcheck(fields):
    test = fields["test"]
    if test[0] != "CMD":
        raise ValueError(f"a health check is to be a list of words after CMD: {test}")
    if unknown := fields.keys() - {"test", "interval", "timeout", "start_period", "retries"}:
        raise ValueError(f"keys of a health check that this test does not know: {sorted(unknown)}")
    return Healthcheck(test[1:], *(seconds(fields.get(name, default)) for name, default in
                                   (("interval", "30s"), ("timeout", "30s"), ("start_period", "0s"))), fields.get("retries", 3))


def load(path):
    """The services of a compose file, in order; named volumes must be declared."""
    with open(path, encoding="utf-8") as file:
        text = file.read()
    if "$" in text:
        raise ValueError("variables are not known to this test")
    whole = yaml.safe_load(text)
    if unknown := {key for key in whole if not key.startswith("x-")} - {"name", "services", "volumes"}:
        raise ValueError(f"keys that this test does not know: {sorted(unknown)}")
    services = [Service(name, fields) for name, fields in whole["services"].items()]
    for service in services:
        if missing := service.volumes.keys() - whole.get("volumes", {}).keys():
            raise ValueError(f"volumes of {service.name} that are not declared: {sorted(missing)}")
    return services
