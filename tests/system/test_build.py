"""Builds with real containers: language, cache, files, failure."""

from __future__ import annotations

from collections.abc import Iterator

import buildlab
import pytest
from buildlab import Lab

from orlop.builder.run import StepFailed
from orlop.errors import InvalidArgument

pytestmark = pytest.mark.root


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    yield from buildlab.opened(tmp_path_factory.mktemp("build"))


def test_a_whole_file(lab: Lab) -> None:
    found = lab.build(
        "FROM busybox\nARG WHO=nobody\nENV A=1 B=$WHO\nWORKDIR /w\nCOPY a.txt .\n"
        'RUN echo "$A $B" > out && cat a.txt >> out\nEXPOSE 80 53/udp\nVOLUME /v\nUSER 1:2\n'
        'LABEL x="y z"\nSTOPSIGNAL SIGINT\nENTRYPOINT ["cat"]\nCMD ["out"]\n',
        {"a.txt": "hello\n"},
        tags=("test/whole:1",),
        arguments={"WHO": "me"},
        labels={"more": "yes"},
    )
    assert found.sh("cat /w/out") == "1 me\nhello\n"
    config = found.config
    assert config["Env"][-2:] == ["A=1", "B=me"]
    assert config["WorkingDir"] == "/w"
    assert config["ExposedPorts"] == {"53/udp": {}, "80/tcp": {}}
    assert config["Volumes"] == {"/v": {}}
    assert (config["User"], config["StopSignal"]) == ("1:2", "SIGINT")
    assert config["Labels"] == {"more": "yes", "x": "y z"}
    assert (config["Entrypoint"], config["Cmd"]) == (["cat"], ["out"])
    assert lab.engine.images.get("test/whole:1").id == found.id
    assert "Successfully tagged test/whole:1" in found.text


def test_the_second_time_all_of_it_is_cached(lab: Lab) -> None:
    text = "FROM busybox\nENV Q=1\nRUN echo once > /once\nCOPY f /f\nCMD true\n"
    first = lab.build(text, {"f": "1"})
    second = lab.build(text, {"f": "1"})
    assert second.id == first.id
    assert second.cached() == [False, True, True, True, True]
    third = lab.build(text, {"f": "2"})
    assert third.cached() == [False, True, True, False, False]
    assert third.sh("cat /f") == "2"


def test_a_label_early_on_does_not_spoil_the_files_that_follow(lab: Lab) -> None:
    text = "FROM busybox\nLABEL v={}\nRUN echo labelled > /x\n"
    lab.build(text.format(1))
    assert lab.build(text.format(2)).cached() == [False, False, True]


def test_the_cache_survives_a_restart_and_rmi(lab: Lab) -> None:
    from orlop.image.remove import remove

    text = "FROM busybox\nRUN echo kept > /kept\n"
    first = lab.build(text, tags=("test/kept:1",))
    remove(lab.engine.images, "test/kept:1", force=False, noprune=False)
    lab.reopen()
    second = lab.build(text)
    assert (second.id, second.cached()) == (first.id, [False, True])
    assert second.sh("cat /kept") == "kept\n"


def test_a_step_that_fails(lab: Lab) -> None:
    with pytest.raises(StepFailed) as caught:
        lab.build("FROM busybox\nRUN echo before; exit 7\nRUN never\n", force_remove=True)
    assert caught.value.message == (
        "The command '/bin/sh -c echo before; exit 7' returned a non-zero code: 7"
    )
    assert lab.containers.all() == []


def test_only_the_stages_that_are_needed(lab: Lab) -> None:
    found = lab.build(
        "FROM busybox AS a\nRUN mkdir /o && echo a > /o/a && chown -R 5:6 /o/a\n"
        "FROM busybox AS unused\nRUN exit 1\n"
        "FROM busybox AS b\nCOPY --from=a /o /o\nCOPY --from=0 /o/a /o/again\n"
    )
    assert found.sh("stat -c '%n %u:%g' /o/a /o/again") == "/o/a 5:6\n/o/again 5:6\n"
    assert "Step 1/5" in found.text


def test_heredocs(lab: Lab) -> None:
    found = lab.build(
        "FROM busybox\nENV N=world\nCOPY <<one <<-'two' /d/\nhello $N\none\n\tno $N\ntwo\n"
        "RUN <<EOF\necho a > /a\necho b >> /a\nEOF\n"
        "RUN <<EOF\n#!/bin/sh -e\necho script > /s\nEOF\n"
        "RUN cat <<x > /c\nin shell\nx\n"
    )
    assert found.sh("cat /d/one /d/two /a /s /c") == (
        "hello world\nno $N\na\nb\nscript\nin shell\n"
    )


def test_mounts_of_every_kind(lab: Lab) -> None:
    found = lab.build(
        "FROM busybox AS src\nRUN mkdir /s && echo stage > /s/f\n"
        "FROM busybox\n"
        "RUN --mount=type=bind,target=/ctx cat /ctx/f > /o1; ! touch /ctx/x\n"
        "RUN --mount=type=bind,from=src,source=/s,target=/m,rw cat /m/f > /o2 && touch /m/new\n"
        "RUN --mount=type=cache,target=/root/.c,id=k echo cached > /root/.c/f\n"
        "RUN --mount=type=cache,target=/elsewhere,id=k cat /elsewhere/f > /o3\n"
        "RUN --mount=type=tmpfs,target=/t,size=1m df /t | grep -q tmpfs && touch /t/x\n"
        "RUN --mount=type=secret,id=s cat /run/secrets/s | wc -c > /o4\n"
        'RUN --mount=type=secret,id=s,env=KEY test -n "$KEY"\n',
        {"f": "context\n"},
        secrets={"s": b"sesame"},
    )
    assert found.sh("cat /o1 /o2 /o3 /o4") == "context\nstage\ncached\n6\n"
    leftover = found.sh("ls -d /ctx /m /root/.c /elsewhere /t /run/secrets 2>/dev/null || true")
    assert leftover == ""  # no layer shows where something was mounted


def test_a_missing_secret(lab: Lab) -> None:
    lab.build("FROM busybox\nRUN --mount=type=secret,id=no test ! -e /run/secrets/no\n")
    with pytest.raises(Exception, match="secret no: not found"):
        lab.build("FROM busybox\nRUN --mount=type=secret,id=no,required true\n")


def test_from_scratch(lab: Lab) -> None:
    found = lab.build(
        "FROM busybox AS b\nFROM scratch\nCOPY --from=b /bin /bin\nCOPY etc/ /etc/\n"
        "RUN echo run > /r\n",
        {"etc/": "", "etc/hosts": "", "etc/x": "1"},
    )
    assert found.sh("cat /r /etc/x; ls /").startswith("run\n1")
    assert found.image.config["rootfs"]["diff_ids"][0] != ""


def test_onbuild(lab: Lab) -> None:
    base = lab.build("FROM busybox\nONBUILD RUN echo trigger > /t\nONBUILD COPY f /f\n",
                     tags=("test/onbuild:1",))  # fmt: skip
    assert base.config["OnBuild"] == ["RUN echo trigger > /t", "COPY f /f"]
    found = lab.build("FROM test/onbuild:1\nRUN cat /t /f > /both\n", {"f": "file\n"})
    assert found.sh("cat /both") == "trigger\nfile\n"
    assert not found.config.get("OnBuild")
    assert "# Executing 2 build triggers" in found.text


def test_ignored_files_stay_out(lab: Lab) -> None:
    found = lab.build(
        "FROM busybox\nCOPY . /c/\n",
        {".dockerignore": "*\n!keep\n", "keep/a": "1", "drop": "2"},
    )
    assert found.sh("cd /c; find . | sort") == ".\n./keep\n./keep/a\n"


def test_what_a_context_lacks(lab: Lab) -> None:
    with pytest.raises(InvalidArgument, match="forbidden path outside the build context: ../x"):
        lab.build("FROM busybox\nCOPY ../x /\n", {"x": "1"})
    with pytest.raises(InvalidArgument, match="stat nope: file does not exist"):
        lab.build("FROM busybox\nCOPY nope /\n")


def test_squash_makes_one_layer(lab: Lab) -> None:
    text = "FROM busybox\nRUN echo a > /a\nRUN rm /a && echo b > /b\n"
    found = lab.build(text, squash=True)
    base = lab.engine.images.get("busybox")
    assert len(found.image.diff_ids) == len(base.diff_ids) + 1
    assert found.sh("cat /b; ls /a 2>/dev/null || echo gone") == "b\ngone\n"


def test_epoch_is_the_latest_time(lab: Lab) -> None:
    found = lab.build(
        "FROM busybox\nRUN echo x > /x\nCOPY f /f\n",
        {"f": "1"},
        arguments={"SOURCE_DATE_EPOCH": "1000000000"},
    )
    assert found.image.created == "2001-09-09T01:46:40Z"
    assert found.sh("stat -c %Y /x /f") == "1000000000\n1000000000\n"


def test_the_same_on_another_day(lab: Lab) -> None:
    text = "FROM busybox\nRUN date > /dev/null; mkdir /d; touch /d/b /d/a\nCOPY f /f\n"
    first = lab.build(text, {"f": "1"})
    again = lab.build(text, {"f": "1"}, no_cache=True)
    assert again.id == first.id
    assert again.cached() == [False, False, False]


def test_explain_says_what_changed(lab: Lab) -> None:
    from orlop.builder.events import Explained

    text = "FROM busybox\nARG V\nRUN echo $V > /v\nCOPY f g /d/\n"
    lab.build(text, {"f": "1", "g": "1"}, arguments={"V": "1"}, tags=("test/explain:1",))
    found = lab.build(
        text, {"f": "2", "g": "1"}, arguments={"V": "2"}, tags=("test/explain:1",), explain=True
    )
    said = [(e.hit, e.reasons) for e in found.events if isinstance(e, Explained)]
    assert said[0] == (False, ("argument V changed: '1' -> '2'",))
    assert said[1][0] is False
    assert any(reason.startswith("file changed: f") for reason in said[1][1])


def test_cache_from_names_images_that_are_trusted(lab: Lab) -> None:
    text = "FROM busybox\nENV T=1\nRUN echo trusted > /t\nCOPY f /f\n"
    first = lab.build(text, {"f": "1"}, tags=("test/trusted:1",))
    for record in lab.engine.builder.cache.records():
        if "trusted" in record.text or "COPY f" in record.text:
            lab.engine.images.let_go(lab.engine.builder.cache.drop([record]))
    found = lab.build(text, {"f": "1"}, cache_from=("test/trusted:1", "no/such"))
    assert (found.id, found.cached()[2:]) == (first.id, [True, True])
    assert lab.build(text, {"f": "1"}, cache_from=("no/such",)).cached()[2:] == [False, False]


def test_an_image_with_a_forged_history_is_no_answer(lab: Lab) -> None:
    import json

    from orlop.image.create import create_from_layer

    text = "FROM busybox\nRUN echo honest > /poison\n"
    base = lab.engine.images.get("busybox")
    evil = buildlab.archive({"poison": "evil\n"})
    create_from_layer(
        lab.engine.images,
        parent=base.id,
        diff=iter([evil.getvalue()]),
        container_config={"Cmd": ["/bin/sh", "-c", "echo honest > /poison"]},
        repo="test/evil",
    )
    assert json.loads(lab.engine.images.get("test/evil").raw)["history"][-1]["created_by"] == (
        "/bin/sh -c echo honest > /poison"
    )
    found = lab.build(text)
    assert found.cached() == [False, False]
    assert found.sh("cat /poison") == "honest\n"


def test_stages_that_need_nothing_of_each_other_run_at_the_same_time(lab: Lab) -> None:
    """Each waits for the other two: one after the other they would never end."""
    mount = "RUN --mount=type=cache,target=/m,id=meeting "
    names = "abc"
    pipes = " ".join(f"/m/{one}{other}" for one in names for other in names if one != other)
    text = f"FROM busybox AS base\n{mount}rm -f /m/*; for p in {pipes}; do mkfifo $p; done\n"
    for one in names:
        others = [other for other in names if other != one]
        say = " ".join(f"echo {one} > /m/{one}{other} &" for other in others)
        hear = " ".join(f"/m/{other}{one}" for other in others)
        text += f"FROM base AS {one}\n{mount}{say} cat {hear} > /{one}; wait\n"
    text += "FROM busybox\n" + "".join(f"COPY --from={n} /{n} /\n" for n in names)
    assert lab.build(text, no_cache=True).sh("cat /a /b /c") == "b\nc\na\nc\na\nb\n"
