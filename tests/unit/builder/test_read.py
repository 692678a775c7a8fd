from __future__ import annotations

import pytest
from dockerfile_vectors import cases

from orlop.builder import instructions as ins
from orlop.builder.mountspec import parse_device, parse_mount
from orlop.builder.parser import Node, parse
from orlop.builder.read import instruction, read
from orlop.errors import InvalidArgument


def one(text: str) -> ins.Instruction:
    (node,) = parse(text).nodes
    return instruction(node)


@pytest.mark.parametrize("case", cases("instructions.json", "error"), ids=lambda c: c["dockerfile"])
def test_errors(case: dict) -> None:
    with pytest.raises(InvalidArgument) as caught:
        one(case["dockerfile"])
    assert caught.value.message == case["error"]


def test_nodes_that_are_wrong() -> None:
    for case in cases("instructions.json", "error_node"):
        with pytest.raises(InvalidArgument) as caught:
            instruction(Node(case["instruction"].lower(), tuple(case["words"])))
        assert caught.value.message == case["error"]


def test_health_checks() -> None:
    for case in cases("instructions.json", "healthcheck"):
        found = one(case["dockerfile"])
        assert isinstance(found, ins.Healthcheck)
        assert list(found.test) == case["test"]
        assert found.durations.get("Interval", 0) == case["interval_ns"]


def test_run_flags() -> None:
    for case in cases("instructions.json", "run_flags"):
        found = one(case["dockerfile"])
        assert isinstance(found, ins.Run)
        assert (list(found.command), found.shell) == (case["command"], case["shell"])
        assert found.mounts


def test_devices() -> None:
    for case in cases("instructions.json", "run_device"):
        if "error" in case:
            with pytest.raises(InvalidArgument) as caught:
                parse_device(case["input"])
            assert caught.value.message == case["error"]
        else:
            found = parse_device(case["input"])
            assert (found.name, found.required) == (case["name"], case["required"])


def test_comments_above() -> None:
    for case in cases("instructions.json", "comments"):
        found = read(case["dockerfile"])
        assert [{"name": s.name, "comment": s.comment} for s in found.stages] == case["stages"]
        meta = [a for arg in found.arguments for a in arg.arguments]
        assert [{"key": a.key, "comment": a.comment} for a in meta] == case["meta_args"]
        own = [a for c in found.stages[0].commands if isinstance(c, ins.Arg) for a in c.arguments]
        assert [{"key": a.key, "comment": a.comment} for a in own] == case["stage_args"]


@pytest.mark.parametrize("case", cases("heredoc.json", "copy"), ids=lambda c: c["dockerfile"])
def test_copies_with_heredocs(case: dict) -> None:
    found = one(case["dockerfile"])
    assert isinstance(found, ins.Copy)
    assert (found.target, list(found.sources)) == (case["dest"], case["sources"])
    inlines = [{"path": i.path, "data": i.data, "expand": i.expand} for i in found.inlines]
    assert inlines == case["contents"]


@pytest.mark.parametrize("case", cases("heredoc.json", "run"), ids=lambda c: c["dockerfile"])
def test_runs_with_heredocs(case: dict) -> None:
    found = one(case["dockerfile"])
    assert isinstance(found, ins.Run)
    assert (found.shell, list(found.command)) == (case["shell"], case["command"])
    files = [{"name": h.name, "data": h.content, "chomp": h.chomp} for h in found.heredocs]
    assert files == case["files"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("FROM a\nFORM b\n", "line 2: unknown instruction: FORM (did you mean FROM?)"),
        ("FROM a\nCpy b\n", "line 2: unknown instruction: Cpy (did you mean copy?)"),
        ("FROM a\nADD --checksum=sha256:00 f /\n", "checksum requires HTTP(S) or Git sources"),
        ("FROM a\nADD --checksum=md5:00 http://x/f /\n", "unsupported digest algorithm"),
        ("FROM a\nADD --checksum=sha256:00 http://x/f /\n", "invalid checksum digest length"),
        ("FROM a\nADD --checksum=sha256:0 http://x/f g /\n", "specified for multiple sources"),
        ("FROM a\nADD --checksum=sha256:0 <<E /f\nE\n", "checksum requires HTTP(S) or Git"),
        ("FROM a\nCOPY --from=$X f /\n", "variable expansion is not supported for --from"),
        ("FROM a\nRUN --mount=type=secret y\n", "invalid secret mount. one of source, target re"),
        ("FROM a\nHEALTHCHECK --interval=5 CMD x\n", 'time: missing unit in duration "5"'),
        ("RUN x\n", "line 1: no build stage in current context"),
        ("\n\nRUN x\n", "line 3: no build stage in current context"),
        ("FROM a b\n", "line 1: FROM requires either one or three arguments"),
        ("FROM a AS 1x\n", 'line 1: invalid name for build stage: "1x", name can\'t start with'),
        ("FROM a\nCOPY --chwon=1 a b\n", "line 2: unknown flag: --chwon (did you mean chown?)"),
        ("FROM a\nCOPY --chown=1 --chown=2 a b\n", "line 2: duplicate flag specified: --chown"),
        ("FROM a\nCOPY --from a b\n", "line 2: missing a value on flag: --from"),
        ("FROM a\nCOPY --link=x a b\n", "expecting boolean value for flag --link, not: x"),
        ("FROM a\nSHELL x\n", "line 2: SHELL requires the arguments to be in JSON form"),
        ("FROM a\nRUN --mount=type=bnd,target=/x y\n", 'unsupported mount type "bnd" (did you'),
        ("FROM a\nRUN --mount=type=bind y\n", "line 2: target is required"),
        ("FROM a\nRUN --mount=trget=/x y\n", "unexpected key 'trget' in 'trget=/x' (did you mean"),
        ("FROM a\nRUN --network=hst y\n", 'invalid network mode "hst" (did you mean host?)'),
        ("FROM a\nHEALTHCHECK NONE x\n", "line 2: HEALTHCHECK NONE takes no arguments"),
        ("FROM a\nHEALTHCHECK FOO x\n", 'line 2: Unknown type "FOO" in HEALTHCHECK (try CMD)'),
        ("FROM a\nHEALTHCHECK --interval=1us CMD x\n", "cannot be less than 1ms"),
        ("FROM a\nONBUILD ONBUILD RUN x\n", "Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed"),
        ("FROM a\nCOPY a <<E\nx\nE\n", "line 2: COPY cannot accept a heredoc as a destination"),
        ("FROM a\nCOPY\n", "line 2: COPY requires at least one argument"),
        ("FROM a\nARG =x\n", "line 2: ARG names can not be blank"),
        ('FROM a\nVOLUME [""]\n', "line 2: VOLUME specified can not be an empty string"),
    ],
)  # fmt: skip
def test_an_error_names_line_and_near_miss(text: str, message: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        read(text)
    assert message in caught.value.message
    assert caught.value.message.startswith("dockerfile parse error on line")


def test_nothing_to_build() -> None:
    with pytest.raises(InvalidArgument, match="^dockerfile contains no stages to build$"):
        read("ARG x\n")
    with pytest.raises(InvalidArgument, match="^file with no instructions$"):
        read("# nothing\n")


def test_a_mount_of_each_kind() -> None:
    bind = parse_mount("type=bind,from=x,src=/a,target=/b")
    assert (bind.source_stage, bind.source, bind.target, bind.read_only) == ("x", "/a", "/b", True)
    assert not parse_mount("target=/b,rw").read_only
    cache = parse_mount("type=cache,target=/c,sharing=locked,id=x,mode=0777,uid=1")
    assert (cache.sharing, cache.id, cache.mode, cache.uid) == ("locked", "x", 0o777, 1)
    assert parse_mount("type=tmpfs,target=/t,size=10m").size == 10 << 20
    secret = parse_mount("type=secret,id=k,required,env=K")
    assert (secret.id, secret.required, secret.env) == ("k", True, "K")
    assert parse_mount("type=ssh").type == "ssh"


@pytest.mark.parametrize(
    "text",
    ["type=cache,target=/x,sharing=often", "type=tmpfs,target=/x,size=much", "type=bind,target=/x,"
     "size=1", "type=bind,target=/x,mode=9", "type=secret,from=x", 'type=bind,"target=/x'],
)  # fmt: skip
def test_mounts_that_are_wrong(text: str) -> None:
    with pytest.raises(InvalidArgument):
        parse_mount(text)


def test_onbuild_keeps_its_text() -> None:
    found = one("ONBUILD   RUN echo  x")
    assert isinstance(found, ins.Onbuild)
    assert found.trigger == "RUN echo  x"
