"""Namespaces for tests, so that nothing of them is seen outside and nobody else is inside."""
import os
import subprocess
from typing import List


def isolated() -> List[str]:
    """What a command is put behind to run in namespaces of its own."""
    command = ["unshare", "--net", "--mount"]
    if os.geteuid() == 0:
        return command
    as_root = ["unshare", "--user", "--map-root-user", "--net", "--mount"]
    allowed = subprocess.run([*as_root, "true"], stderr=subprocess.DEVNULL, check=False).returncode == 0
    return as_root if allowed else ["sudo", "--preserve-env", *command]
