"""Our command line beside the docker CLI 28.2.2, on one daemon: same bytes, same exit codes.

Only the program's name differs, and what is said about the client itself.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from daemon import ORLOP, Daemon

from orlop.cli import words

pytestmark = pytest.mark.root

VERSION = "28.2.2"
_ANY_ID = re.compile(r"\b[0-9a-f]{64}\b")
_AGO = re.compile(r"\b(About an? \w+|Less than a second|\d+ seconds?|\d+ minutes?)( ago)?\b")
_TIMES = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+Z")
# docker has no such words, or builds with other flags
_OURS = {
    "artifact attach", "artifact fetch", "artifact ls", "bootstrap", "build", "builder debug",
    "builder prune", "checkpoint create", "checkpoint ls", "checkpoint rm", "completion",
    "compose", "exec kill", "exec ls", "help", "image build", "image chainid", "image verify",
    "layers show", "overlay demo", "registry serve", "system check", "system dial-stdio",
    "system hand-back", "tags",
}  # fmt: skip


@pytest.fixture(scope="module", autouse=True)
def _docker() -> None:
    try:
        done = subprocess.run(["docker", "--version"], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("no docker CLI here")
    if f"version {VERSION}," not in done.stdout:
        pytest.skip(f"the texts are those of docker CLI {VERSION}, here is {done.stdout.strip()}")


@pytest.fixture(scope="module")
def things(orlopd: Daemon) -> Iterator[Daemon]:
    """Two running containers, one that has ended, a volume, a network's name."""
    names = ("same1", "same2", "same3")
    for number, name in enumerate(names[:2]):
        orlopd.docker(
            "run", "-d", "--name", name, "-p", "127.0.0.1::80",
            "-l", f"a=b{number}", "-v", "samevol:/data", "busybox", "sleep", "600",
        )  # fmt: skip
    orlopd.docker("run", "--name", "same3", "busybox", "sh", "-c", "echo out; echo err >&2; exit 3",
                  check=False)  # fmt: skip
    yield orlopd
    orlopd.docker("rm", "-fv", *names, check=False)
    orlopd.docker("volume", "rm", "samevol", check=False)


def masked(text: str, base: Path) -> str:
    text = text.replace(str(base), "<base>").replace("orlop", "docker").replace("Orlop", "Docker")
    return _TIMES.sub("<time>", _AGO.sub("<ago>", _ANY_ID.sub("<id>", text)))


def squeezed(text: str) -> str:
    """Column widths follow what is masked."""
    return "\n".join(re.sub(" {2,}", "  ", line).rstrip() for line in text.split("\n"))


def same(daemon: Daemon, *args: str, input: str | None = None, exact: bool = False) -> int:
    """Run both; returns the exit code."""
    options = {"check": False} | ({"input": input} if input is not None else {})
    theirs, ours = daemon.docker(*args, **options), daemon.orlop(*args, **options)
    for name in ("stdout", "stderr"):
        a = masked(getattr(theirs, name), daemon.base)
        b = masked(getattr(ours, name), daemon.base)
        if not exact:
            a, b = squeezed(a), squeezed(b)
        assert b == a, f"{name} of {args}"
    assert ours.returncode == theirs.returncode, args
    return ours.returncode


READING = """
ps
ps -a
ps -q
ps -aq --no-trunc
ps -s
ps -n 1
ps -l
ps -f name=same1
ps -f label=a=b1 -q
ps -f status=exited -a
ps -f nosuch=x
ps --format {{.Names}}:{{.Image}}
ps --format json
ps --format raw
ps --format {{.Nosuch}}
ps --format {{
ps -q --format x
ps -n x
images
images -q
images --no-trunc
images --digests
images --format json
images --tree
images nosuch
images ls
history busybox
history -q busybox
history --no-trunc busybox
history --format {{.ID}}:{{.Size}} busybox
history nosuch
inspect same1
inspect same1 nosuch busybox
inspect nosuch
inspect --type image same1
inspect --type foo x
inspect -s same1
inspect -f {{.Id}} same1
inspect -f {{.ID}} same1
inspect -f {{.State}} same3
inspect -f {{.Config}} same1
inspect -f {{.Mounts}} same1
inspect -f {{.NetworkSettings.Ports}} same1
inspect -f {{.State.Health}} same1
inspect -f {{.Nosuch}} same1
inspect -f {{.HostConfig.CPUShares}}{{.HostConfig.CpuShares}} same1
inspect -f {{range.Mounts}}{{.Destination}}{{end}} same1
inspect -f {{index.Config.Labels`a`}} same1
inspect -f {{len.Mounts}}{{if.State.Running}}yes{{else}}no{{end}} same1 same3
inspect --format json same1
image inspect busybox
image inspect -f {{.RootFS.Layers}} busybox
image inspect -f {{.ID}} busybox
image inspect nosuch
image inspect FOO
network ls
network ls -q --no-trunc
network ls --format json
network inspect bridge
network inspect -f {{.IPAM}} bridge
network inspect nosuch
volume ls
volume ls -q
volume ls --format json
volume inspect samevol
volume inspect nosuch
port same1
port same1 80
port same1 80/udp
port same1 x
port nosuch
diff same1
diff nosuch
logs same3
logs -t --tail 1 same3
logs --since 10h same3
logs --since x same3
logs --tail x same3
logs nosuch
top same1
top nosuch
top same3
stats --no-stream --format {{.Name}}:{{.PIDs}} same1
stats --no-stream nosuch
system df
system df --format {{.Type}}:{{.TotalCount}}
events --since 1h --until 0s -f container=same3 -f event=die
events --since 1h --until 0s -f container=same3 --format {{.Type}}:{{.Action}}
events --since x
events --format {{.Nosuch}}
version -f {{.Server.Version}}
version -f {{.Nosuch}}
info -f {{.Driver}}
info -f {{json.Plugins}}
info -f {{.Nosuch}}
wait same3
export nosuch
save nosuch
""".strip().split("\n")


@pytest.mark.parametrize("line", READING)
def test_reading(things: Daemon, line: str) -> None:
    same(things, *line.split(" "))


ERRING = """
run
run nosuch:image true
run FOO
run --pull never nosuch
run --pull x busybox
run --foo busybox
run -x busybox
run --name
run -m 1q busybox
run -m 1m busybox
run --cpus x busybox
run --memory-swappiness 200 busybox
run --blkio-weight 99999999 busybox
run --name same1 busybox
run --name / busybox
run --rm busybox nosuch
run --rm busybox /etc
run --rm busybox /etc/passwd
run --rm --entrypoint=nosuch busybox
run --rm -w relative busybox true
run --rm -u nosuch busybox true
run --rm --stop-signal NOSUCH busybox true
run --restart always --rm busybox
run --restart on-failure:x busybox
run -p x busybox
run -p 99999:1 busybox
run -p 1-2:1-3 busybox
run -p localhost:1:1 busybox
run --expose 1-x busybox
run -v a:b:c:d busybox
run -v relative:relative busybox
run -v :/x busybox
run --mount type=nosuch,target=/x busybox
run --mount target=relative busybox
run --mount a busybox
run --tmpfs relative busybox
run --device x busybox
run --device /nosuch busybox true
run --security-opt x busybox
run --security-opt seccomp=/nosuch busybox
run --network a --network a busybox
run --network nosuch busybox true
run --network container:nosuch busybox true
run --pid x busybox
run --pid container:nosuch busybox true
run --ipc x busybox
run --uts x busybox
run --userns x busybox
run --cgroupns x busybox
run --add-host x busybox
run --dns x busybox
run --ulimit x busybox
run --ulimit nofile=5:3 busybox
run --sysctl x busybox
run --sysctl kernel.nosuch=1 busybox true
run --log-driver nosuch busybox true
run --log-driver none --log-opt a=b busybox
run --health-interval 5 busybox
run --no-healthcheck --health-cmd x busybox
run --env-file /nosuch busybox
run -e =x busybox
run -l =x busybox
run --cidfile /etc/passwd busybox
run --cap-add NOSUCH busybox true
run --gpus x busybox
run -d -a stdin busybox
run -it busybox sh
run --dns 127.0.0.1 --rm busybox true
create FOO
create nosuch:image
create --foo busybox
exec
exec same1
exec nosuch true
exec same3 true
exec same1 nosuch
exec same1 /etc
exec -w /nosuch same1 true
exec -u nosuch same1 true
exec -it same1 sh
exec --env-file /nosuch same1 true
attach nosuch
attach same3
start nosuch same2 nosuch2
start -a same1 same2
stop nosuch
stop --signal NOSUCH same1
kill nosuch
kill -s NOSUCH same1
kill same3
restart nosuch
pause nosuch
pause same3
unpause same1
rm nosuch
rm same1
rm -f nosuch
rm /
rename nosuch x
rename same1 same2
rename same1 /
wait nosuch
update same1
update --memory 1m same1
update --restart x same1
update nosuch -m 100m
commit nosuch
commit same3 FOO
cp nosuch:/x /tmp
cp same1:/nosuch /tmp
cp /nosuch same1:/tmp
cp same1:/a same2:/b
cp a b
cp same1:/etc/passwd /nosuch/x
rmi nosuch
rmi FOO
rmi busybox
tag nosuch x
tag busybox FOO
tag busybox a@sha256:x
push nosuch/image
pull FOO
pull a:b:c
pull -a a:b
load -i /nosuch
import /nosuch
import /dev/null FOO
network rm nosuch bridge
network create
network create bridge
network create --subnet 10.1.0.0/16 --gateway 10.2.0.1 x
network create -d nosuch x
network connect nosuch same1
network connect bridge nosuch
network disconnect bridge nosuch
volume rm nosuch samevol
volume create -d nosuch x
volume create /
search
login -u a
login --password-stdin
nosuch
image nosuch
ps x
images a b
tag a
-x
-H nosuch://x ps
-H tcp://unix://x ps
-H a -H b ps
-H a --context b ps
-H npipe:////x ps
-H ssh://u:p@x ps
-H tcp://127.0.0.1:1 ps
stop --time 1 nosuch
""".strip().split("\n")


@pytest.mark.parametrize("line", ERRING)
def test_erring(things: Daemon, line: str) -> None:
    same(things, *line.split(" "))


_NOT_EXPERIMENTAL = {f"manifest {verb}" for verb in ("annotate", "create", "inspect", "push", "rm")}


@pytest.mark.parametrize("path", sorted(_NOT_EXPERIMENTAL))
def test_help_but_that_it_is_experimental(orlopd: Daemon, path: str) -> None:
    theirs = orlopd.docker(*path.split(" "), "--help").stdout
    theirs = re.sub(r"EXPERIMENTAL:\n(?:.+\n)+\n?", "", theirs)
    ours = orlopd.orlop(*path.split(" "), "--help").stdout.rstrip("\n")
    assert ours.replace("orlop", "docker") == theirs.rstrip("\n")


def test_disk_usage_and_more(things: Daemon) -> None:
    age = r"(\d+|About an?|Less than an?) (second|minute)s?( ago)?"  # the width of columns, too

    def rows(tell: Callable[..., subprocess.CompletedProcess[str]]) -> list[list[str]]:
        text = re.sub(age, "", tell("system", "df", "-v").stdout)
        return [line.split() for line in text.splitlines()]

    theirs, ours = rows(things.docker), rows(things.orlop)
    cache = next(n for n, row in enumerate(theirs) if row[:3] == ["Build", "cache", "usage:"])
    assert ours[:cache] == theirs[:cache]
    # docker sorts these by the time of use alone, and not stably
    assert sorted(ours[cache : len(theirs)]) == sorted(theirs[cache:])
    assert ["Data", "root", "usage:"] in [row[:3] for row in ours]


@pytest.mark.parametrize(
    "path",
    sorted(
        {*words.COMMANDS, *words.TOP} - _OURS - _NOT_EXPERIMENTAL - {"chainid", "system import"}
    ),
)
def test_help(orlopd: Daemon, path: str) -> None:
    assert same(orlopd, *path.split(" "), "--help", exact=True) == 0


WORKING = [
    ("run", "--rm", "busybox", "sh", "-c", "echo out; echo err >&2; exit 7"),
    ("run", "--rm", "busybox", "true"),
    ("run", "--rm", "-h", "name", "busybox", "hostname"),
    ("run", "--rm", "-e", "A=b", "-e", "A=c", "-w", "/tmp", "busybox", "sh", "-c", "echo $A $PWD"),
    ("run", "--rm", "-t", "busybox", "tty"),
    ("run", "--rm", "-a", "stderr", "busybox", "sh", "-c", "echo out; echo err >&2"),
    ("run", "--rm", "busybox", "sh", "-c", "kill -9 $$"),
    ("exec", "same1", "sh", "-c", "echo out; echo err >&2; exit 5"),
    ("exec", "-e", "A=b", "-w", "/data", "same1", "sh", "-c", "echo $A $PWD"),
    ("exec", "-d", "same1", "true"),
    ("stop", "-t", "0", "same2"),
    ("start", "same2"),
    ("restart", "-t", "0", "same2"),
    ("pause", "same2"),
    ("unpause", "same2"),
    ("rename", "same2", "same2b"),
    ("kill", "same2"),
    ("start", "-a", "same3"),
    ("tag", "busybox", "same:tag"),
    ("rmi", "same:tag"),
    ("network", "prune", "-f"),
    ("container", "prune"),
    ("update", "-m", "200m", "--memory-swap", "200m", "same1"),
]


@pytest.mark.parametrize("args", WORKING, ids=lambda a: " ".join(a)[:40])
def test_working(things: Daemon, args: tuple[str, ...]) -> None:
    if args[0] in ("rename", "rmi", "unpause", "kill"):
        # what changes by the first of two runs is prepared before each
        undo = {
            "rename": ("rename", args[-1], args[-2]),
            "rmi": ("tag", "busybox", args[-1]),
            "unpause": ("pause", args[-1]),
            "kill": ("start", args[-1]),
        }[args[0]]
        for other in (things.docker, things.orlop):
            if args[0] in ("unpause", "rmi", "kill"):
                things.docker(*undo, check=False)
            done = other(*args, check=False)
            assert done.returncode == 0, done.stderr
            if args[0] == "rename":
                things.docker(*undo)
        if args[0] == "rename":
            return
        things.docker("start", "same2", check=False)
        return
    if args[0] == "pause":
        for other in (things.docker, things.orlop):
            done = other(*args)
            assert (done.stdout, done.stderr) == ("same2\n", "")
            things.docker("unpause", "same2")
        return
    same(things, *args)


def test_input_reaches_the_program_and_ends(things: Daemon) -> None:
    same(things, "run", "-i", "--rm", "busybox", "cat", input="one\ntwo")
    same(things, "exec", "-i", "same1", "wc", "-c", input="x" * 100_000)


def test_archives_are_the_same_bytes(things: Daemon, tmp_path: Path) -> None:
    sums = []
    for command in (["docker"], ORLOP):
        tar = subprocess.run(
            [*command, "save", "busybox"],
            capture_output=True,
            check=True,
            env={**os.environ, **things.environment},
        ).stdout
        sums.append(len(tar))
        assert tar[257:262] == b"ustar"
        target = tmp_path / f"{len(sums)}.tar"
        target.write_bytes(tar)
        loaded = things._run([*command, "load", "-i", str(target)], {})
        assert loaded.stdout == "Loaded image: busybox:latest\n"
    assert sums[0] == sums[1]


def test_export_and_save_refuse_what_docker_refuses(things: Daemon, tmp_path: Path) -> None:
    same(things, "save", "-o", "/nosuch/x", "busybox")
    same(things, "export", "-o", "/nosuch/x", "same1")
    same(things, "save", "-o", str(tmp_path), "busybox")


def test_cidfile(things: Daemon, tmp_path: Path) -> None:
    for name in ("docker", "orlop"):
        file = tmp_path / name
        getattr(things, name)("run", "--rm", "--cidfile", str(file), "busybox", "true")
        assert re.fullmatch("[0-9a-f]{64}", file.read_text())
        failed = tmp_path / (name + "-failed")
        getattr(things, name)("run", "--cidfile", str(failed), "busybox", "-e", check=False)
        getattr(things, name)("create", "--cidfile", str(failed) + "2", "nosuch:x", check=False)
        assert not Path(str(failed) + "2").exists()


def test_nobody_there(tmp_path: Path) -> None:
    env = {
        **os.environ,
        "DOCKER_HOST": f"unix://{tmp_path}/no",
        "ORLOP_HOST": f"unix://{tmp_path}/no",
    }
    for args in (["ps"], ["run", "busybox"], ["version", "-f", "{{.Server}}"], ["info", "-f", "x"]):
        theirs = subprocess.run(["docker", *args], capture_output=True, text=True, env=env)
        ours = subprocess.run([*ORLOP, *args], capture_output=True, text=True, env=env)
        assert masked(ours.stderr, tmp_path) == masked(theirs.stderr, tmp_path)
        assert masked(ours.stdout, tmp_path) == masked(theirs.stdout, tmp_path)
        assert ours.returncode == theirs.returncode
