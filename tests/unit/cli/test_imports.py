"""The import budget of the hot paths: 60 modules cost 5 ms of a command, 20 cost 2."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
# about ten milliseconds each
HEAVY = {"json", "re", "argparse", "socket", "http.client", "typing", "dataclasses", "os",
         "subprocess", "threading", "urllib.parse", "ctypes", "ssl", "enum"}  # fmt: skip

# a daemon that answers what the command needs, in the same interpreter, behind a socket pair
PROGRAM = """
import sys
before = set(sys.modules)
sys.path.insert(0, {root!r})
import _socket, _thread, posix
ANSWERS = {answers!r}
def serve(sock):
    data = b""
    while True:
        got = sock.recv(65536)
        if not got:
            return
        data += got
        while b"\\r\\n\\r\\n" in data:
            head, _, rest = data.partition(b"\\r\\n\\r\\n")
            size = 0
            for line in head.split(b"\\r\\n"):
                if line.lower().startswith(b"content-length:"):
                    size = int(line.split(b":")[1])
            if len(rest) < size:
                break
            data = rest[size:]
            target = head.split(b" ")[1].decode()
            for key, (status, body, close) in ANSWERS.items():
                if key in target:
                    break
            if status == 101:
                sock.sendall(b"HTTP/1.1 101 UPGRADED\\r\\nUpgrade: tcp\\r\\n\\r\\n" + body.encode())
                sock.shutdown(1)
                return
            head = f"HTTP/1.1 {{status}} X\\r\\nContent-Length: {{len(body)}}\\r\\n\\r\\n"
            sock.sendall((head + body).encode())
from orlop.client import host
from orlop.client.transport import Connection
def dial(*args):
    ours, theirs = _socket.socketpair() if hasattr(_socket, "socketpair") else None
    _thread.start_new_thread(serve, (theirs,))
    return Connection(ours)
host._dial_unix = dial
from orlop.cli.main import run
code = run({args!r})
mine = sorted(set(sys.modules) - before)
posix.write(2, repr((code, mine)).encode())
posix._exit(0)
"""
_ANSWERS = {
    "/containers/create": (201, '{"Id":"abc","Warnings":[]}', False),
    "/attach": (101, "", True),
    "/wait": (200, '{"StatusCode":0}', False),
    "/start": (204, "", False),
    "/containers/c/exec": (201, '{"Id":"e"}', False),
    "/exec/e/json": (200, '{"ExitCode":0}', False),
    "/containers/json": (200, "[]", False),
}


def modules(args: list[str], tmp_path: Path) -> list[str]:
    answers = dict(_ANSWERS)
    if args[0] == "exec":
        answers = {"/exec/e/start": (101, "", True), **_ANSWERS}
    program = PROGRAM.format(root=str(ROOT), answers=answers, args=args)
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", program],
        capture_output=True,
        text=True,
        env={"HOME": str(tmp_path), "ORLOP_HOST": "unix:///fake"},
        stdin=subprocess.DEVNULL,
        check=True,
    )
    code, found = eval(done.stderr)
    assert code == 0
    assert isinstance(found, list)
    return found


@pytest.mark.parametrize(
    ("args", "budget"),
    [
        (["run", "--rm", "busybox", "true"], 21),
        (["run", "-d", "busybox", "true"], 20),
        (["exec", "c", "true"], 20),
        (["ps"], 20),
        (["ps", "-q"], 20),
    ],
)
def test_budget(args: list[str], budget: int, tmp_path: Path) -> None:
    # what is compiled into the interpreter costs nothing to speak of
    found = [m for m in modules(args, tmp_path) if m not in sys.builtin_module_names]
    assert not HEAVY & set(found)
    assert len(found) <= budget, json.dumps(found)
