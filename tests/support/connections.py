"""Where a Python process connects to: told by the interpreter itself, of every socket of every library."""

import json
from pathlib import Path

_HOOK = """\
import json
import os
import sys

_log = os.open(os.environ["CONNECTIONS_LOG"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)


def _tell(event, arguments):
    if event in ("socket.connect", "socket.sendto"):
        os.write(_log, (json.dumps([event, repr(arguments[1])]) + "\\n").encode())
    elif event in ("socket.getaddrinfo", "socket.gethostbyname"):
        os.write(_log, (json.dumps([event, str(arguments[0])]) + "\\n").encode())


sys.addaudithook(_tell)
"""


def watch(folder: Path) -> tuple[Path, dict[str, str]]:
    """A folder for PYTHONPATH and the environment with which a process writes down its connections."""
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(_HOOK)
    return folder, {"CONNECTIONS_LOG": str(folder / "connections")}


def seen(folder: Path) -> set[tuple[str, str]]:
    """What it wrote down: the call, and the address as Python writes it or the name that was looked up."""
    return {(event, what) for event, what in map(json.loads, (folder / "connections").read_text().splitlines())}


def remote_ends(pid: int) -> set[tuple[str, int]]:
    """The other ends of the process's TCP connections of this moment, by the kernel: IPv4 addresses and ports."""
    links = (_link(file) for file in Path(f"/proc/{pid}/fd").iterdir())
    inodes = {link.removeprefix("socket:[").removesuffix("]") for link in links if link.startswith("socket:[")}
    ends = set()
    for line in Path(f"/proc/{pid}/net/tcp").read_text().splitlines()[1:]:
        fields = line.split()
        if fields[9] in inodes and fields[3] == "01":  # established
            address, port = fields[2].split(":")
            octets = reversed([str(int(address[i : i + 2], 16)) for i in range(0, 8, 2)])
            ends.add((".".join(octets), int(port, 16)))
    return ends


def _link(file: Path) -> str:
    try:
        return str(file.readlink())
    except OSError:  # closed meanwhile
        return ""
