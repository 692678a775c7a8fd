"""Commands that Docker does not have."""

import os
import posix
import sys

from orlop.cli.credentials import header
from orlop.cli.failure import Failure
from orlop.cli.listing import Row, format_of
from orlop.cli.listing import show as show_rows
from orlop.cli.options import Options
from orlop.cli.out import err, out
from orlop.cli.progress import show
from orlop.cli.reference import parse
from orlop.cli.session import Session
from orlop.cli.table import align
from orlop.cli.units import human_size
from orlop.client.transport import query, quote
from orlop.errors import OrlopError
from orlop.oci.jsonlite import split

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    Json = dict[str, Any]


def rows(session: Session, path: str, method: str = "GET", **options: "Any") -> "Iterator[Json]":
    """The JSON lines of an answer, as they come. Raises Failure for the error among them."""
    response = session.client.open(method, path, **options)
    tail = b""
    for chunk in response.chunks():
        tail += chunk
        cut = tail.rfind(b"\n") + 1
        if not cut:
            continue
        found, _ = split(tail[:cut].decode("utf-8", "replace"))
        tail = tail[cut:]
        for row in found:
            if row.get("errorDetail"):
                raise Failure(row["errorDetail"].get("message", ""))
            yield row
    session.client.release(response)


def bootstrap(session: Session, options: Options) -> None:
    kind, _, suite = options.args[0].partition(":")
    if kind not in ("busybox", "debian"):
        raise Failure(
            f"no bootstrap of {kind!r}: orlop bootstrap busybox | orlop bootstrap debian[:SUITE]"
        )
    path = f"/orlop/bootstrap/{kind}" + query({"suite": suite})
    response = session.client.open("POST", path)
    show(response, 1)
    session.client.release(response)


def tags(session: Session, options: Options) -> None:
    ref = parse(options.args[0])
    detail = options.flag("detail")
    limit = int(options.text("limit") or 0)
    path = f"/orlop/tags/{quote(ref.familiar_name, b'/:')}" + query({"detail": detail})
    found = []
    for row in rows(session, path, headers=[header(session, ref.domain)]):
        if not detail:
            out(row["Name"] + "\n")
        found.append(row)
        if limit and len(found) >= limit:
            break
    if detail:
        out(_tag_table(found, options.text("platform")))


def _tag_table(found: "list[Json]", platform: str) -> str:
    lines = ["TAG\tDIGEST\tSIZE\tCREATED\tPLATFORMS"]
    for row in found:
        platforms = row.get("Platforms") or []
        if platform and platform not in platforms:
            continue
        lines.append(
            "\t".join(
                (
                    row["Name"],
                    (row.get("Digest") or row.get("Error") or "")[:19],
                    human_size(row["Size"], 3) if row.get("Size") else "",
                    (row.get("Created") or "")[:19],
                    " ".join(platforms),
                )
            )
        )
    return align("\n".join(lines) + "\n")


def verify(session: Session, options: Options) -> int:
    bad = 0
    for name in options.args:
        for row in rows(session, f"/orlop/images/{quote(name, b'/:@')}/verify"):
            if row["OK"]:
                if not options.flag("quiet"):
                    out(f"{name}: {row['Kind']} {row['Digest']}: OK\n")
            else:
                bad += 1
                err(f"{name}: {row['Kind']} {row['Digest']}: {row['Error']}\n")
    return 1 if bad else 0


def chainid(session: Session, options: Options) -> None:
    name = options.args[0]
    found = session.client.call("GET", f"/orlop/images/{quote(name, b'/:@')}/chain")
    for row in found:
        if row["Parent"]:
            out(f'sha256("{row["Parent"]} {row["DiffID"]}")\n')
        else:
            out(f"{row['DiffID']}\n")
        out(f"  = {row['ChainID']}\n  cache-id {row['CacheID']}\n")


_EXEC_HEADERS = {
    "ID": "EXEC ID", "Container": "CONTAINER", "Command": "COMMAND", "PID": "PID"
}  # fmt: skip


class Exec(Row):
    __slots__ = ("_cut", "_row")

    def __init__(self, row: "Json", cut: int | None) -> None:
        self._row, self._cut = row, cut

    def ID(self) -> str:
        return str(self._row["ID"][: self._cut])

    def Container(self) -> str:
        return str(self._row["ContainerID"][: self._cut])

    def Command(self) -> str:
        config = self._row["ProcessConfig"]
        return " ".join([config["entrypoint"], *config["arguments"]])

    def PID(self) -> int:
        return int(self._row["Pid"])


def exec_ls(session: Session, options: Options) -> None:
    names = options.args or [c["Id"] for c in session.client.call("GET", "/containers/json")]
    cut = None if options.flag("no-trunc") else 12
    found = [
        Exec(row, cut)
        for name in names
        for row in session.client.call("GET", f"/orlop/containers/{quote(name)}/exec")
    ]
    quiet = "{{.ID}}" if options.flag("quiet") else ""
    format_ = quiet or format_of(options.text("format"), None, False)
    show_rows(found, _EXEC_HEADERS, tuple(_EXEC_HEADERS), format_)


def exec_kill(session: Session, options: Options) -> int:
    failed = 0
    signal = options.text("signal") or "KILL"
    known = None
    for name in options.args:
        if len(name) < 64 and known is None:
            known = [
                row["ID"]
                for c in session.client.call("GET", "/containers/json")
                for row in session.client.call("GET", f"/orlop/containers/{c['Id']}/exec")
            ]
        matches = [i for i in known or () if i.startswith(name)]
        full = matches[0] if len(matches) == 1 else name
        try:
            path = f"/orlop/exec/{quote(full)}/kill" + query({"signal": signal})
            session.client.raw("POST", path)
            out(name + "\n")
        except OrlopError as error:
            err(error.message + "\n")
            failed = 1
    return failed


def overlay_demo(session: Session, options: Options) -> None:
    """A program of its own, above the runtime: the command line itself makes no mounts."""
    here = __file__.rpartition("/cli/")[0]
    arguments = [sys.executable, "-I", "-S", here + "/runtime/overlaydemo.py"]
    if options.text("dir"):
        arguments += ["--dir", options.text("dir")]
    if options.flag("keep"):
        arguments.append("--keep")
    posix.execv(sys.executable, arguments)


def hand_back(session: Session, options: Options) -> None:
    """The daemon answers when all containers have ended, then ends itself."""
    root = session.client.call("GET", "/info")["DockerRootDir"]
    session.client.call("POST", "/orlop/hand-back" + query({"force": options.flag("force")}))
    out(f"{root} is Docker's again: start dockerd on it when orlopd has ended\n")


def import_(session: Session, options: Options) -> None:
    """The daemon reads the store: its layers are root's, and many."""
    path, *wanted = options.args
    place = query({"path": os.path.abspath(path), "image": wanted, "quiet": options.flag("quiet")})
    response = session.client.open("POST", "/orlop/import" + place)
    show(response, 1)
    session.client.release(response)


def check(session: Session, options: Options) -> int:
    """Exit status 1 when something is wrong and was not mended."""
    bad = seen = 0
    path = "/orlop/check" + query({"repair": options.flag("repair")})
    for row in rows(session, path, "POST"):
        seen += 1
        name = f"{row['Kind']} {row['ID']}"
        if row["Error"]:
            mended = row["Mended"]
            bad += not mended or mended.startswith("stays")
            err(f"{name}: {row['Error']}{' (' + mended + ')' if mended else ''}\n")
        elif not options.flag("quiet"):
            out(f"{name}: OK\n")
    out(f"{seen} checked, {bad} damaged\n")
    return 1 if bad else 0
