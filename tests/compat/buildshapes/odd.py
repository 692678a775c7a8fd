# ruff: noqa: E501
"""Dockerfiles that use the language's odd corners, as BuildKit reads them."""

from __future__ import annotations

_USER = "RUN echo 'u:x:77:88::/:' >> /etc/passwd && echo 'g:x:99:' >> /etc/group\n"

ODD: dict[str, tuple[str, dict[str, str]]] = {
    # here-documents
    "heredoc-two": (
        "FROM busybox\nRUN <<A cat > /x && cat <<B >> /x\n$HOME a\nA\nb $PATH\nB\nRUN cat 3<<E <&3 > /y\nhi\nE\n",
        {},
    ),
    "heredoc-tabs": ("FROM busybox\nCOPY <<-E /x\n\t\ta\n\t b\n \tc\n\tE\n", {}),
    "heredoc-quotes": (
        "FROM scratch\nARG V=v N=nn\nCOPY <<\"E\" <<'F' <<G /d/\n$V \\$V\nE\n${V} \\\nF\n$V \\$V ${V:-x} \\\\ `q`\nG\nCOPY <<$N /e/\n1\n$N\n",
        {},
    ),
    "heredoc-crlf": ("FROM busybox\r\nRUN <<E\r\nmkdir /x\r\nE\r\nCOPY <<F /y\r\na\r\nF\r\n", {}),
    "heredoc-in-onbuild": ("FROM busybox AS a\nONBUILD RUN <<E\necho 1 > /x\nE\nFROM a\n", {}),
    "heredoc-owner": (
        "FROM busybox\nCOPY --chmod=4751 --chown=6:7 <<E /x\n1\nE\nADD --chmod=u+x,go-rwx <<E /y\n2\nE\n",
        {},
    ),
    # ARG, ENV, expansion
    "arg-after-env": (
        "FROM busybox\nARG A=arg\nENV A=env\nRUN echo $A > /x\nARG A=again\nRUN echo $A >> /x\nENV B=$A\nENV A=last\nRUN echo $A >> /x\nARG A\nRUN echo $A >> /x\n",
        {},
    ),
    "arg-global": ("ARG A=1\nARG B=${A}2\nFROM busybox\nARG B\nARG C=$B-$A\nENV D=$C E=$A\n", {}),
    "arg-patterns": (
        "FROM busybox\nARG A=foo.tar.gz B=a/b/c\nENV P=${A%.*} Q=${A%%.*} R=${B#*/} T=${B##*/} U=${B/\\//_} V=${B//\\//_} W=${A:-d} X=${Z:+s} Y=${A/o/0}\n",
        {},
    ),
    "arg-nested": (
        "FROM busybox\nARG A=1\nENV B=${NO:-${A:+${A}x}} C=${NO:-\"a b\"} D=${NO-'$A'}\n",
        {},
    ),
    "env-escapes": (
        'FROM busybox\nENV A=\\$B B="\\$C" C=\'\\$D\' D=a\\ b E="a\\"b" F=a\\\\b G=$1 H=$@ I=$ J=$$ K=a$-b\n',
        {},
    ),
    "env-old-form": (
        'FROM busybox\nENV A b  c   \nENV D "q"  $A\nENV E=\nLABEL k v  w\nLABEL a.b-c="x\\\ny" "q q"=1 \'z\'=\'$PATH\' e=\n',
        {},
    ),
    "target-stage": (
        "FROM busybox AS a\nARG TARGETSTAGE\nRUN echo [$TARGETSTAGE] > /x\nFROM a AS Last\n",
        {},
    ),
    "target-stage-unnamed": (
        "FROM busybox\nARG TARGETSTAGE TARGETVARIANT\nRUN echo [$TARGETSTAGE] [$TARGETVARIANT] > /x\n",
        {},
    ),
    # ONBUILD of a stage of the file
    "onbuild-stage": (
        "FROM busybox AS a\nONBUILD ARG X=1\nONBUILD ENV Y=$X\nONBUILD COPY f /f\nONBUILD RUN cat /f > /g\nFROM a AS b\nONBUILD WORKDIR /w\nFROM b\n",
        {"f": "F"},
    ),
    "onbuild-from": (
        "FROM busybox AS src\nRUN echo 1 > /o\nFROM busybox AS a\nONBUILD COPY --from=src /o /o\nFROM a\n",
        {},
    ),
    "onbuild-kept": (
        'FROM busybox\nonbuild run echo 1\nONBUILD copy   a    b\nONBUILD CMD [ "a" ]\n',
        {},
    ),
    # WORKDIR, USER, COPY
    "workdir-user": (
        "FROM busybox\n"
        + _USER
        + "USER u\nWORKDIR /a/b\nWORKDIR c\nUSER u:g\nWORKDIR /d\nUSER 12:13\nWORKDIR /e\nUSER 5\nWORKDIR /f\nCOPY f f\n",
        {"f": "1"},
    ),
    "workdir-user-none": ("FROM busybox\nUSER nobodyhere\nWORKDIR /a\n", {}),
    "workdir-variables": (
        'FROM busybox\nENV D=/x/y\nARG E=z\nWORKDIR $D\nWORKDIR ${E}/w\nWORKDIR ../..\nWORKDIR "q r"\nWORKDIR $NOPE\nRUN pwd > out\n',
        {},
    ),
    "copy-chown-group": (
        "FROM busybox\n"
        + _USER
        + "COPY --chown=u f /1\nCOPY --chown=u:g f /2\nCOPY --chown=5 f /3\nCOPY --chown=:g f /4\nCOPY --chown=5:g f /5\n",
        {"f": "1"},
    ),
    "copy-nothing": ("FROM busybox\nCOPY n* /o/\nCOPY f n*.lock /p/\n", {"f": "1"}),
    "copy-brackets": (
        'FROM scratch\nCOPY a[[]0].txt /o/\nCOPY [ab].t /p/\nCOPY ?.t a?c/ /q/\nCOPY ["a b","/o o/"]\n',
        {"a[0].txt": "1", "a.t": "2", "b.t": "3", "cc.t": "4", "abc/q": "5", "a b": "6"},
    ),
    "copy-exclude": (
        "FROM scratch\nCOPY --exclude=*.md --exclude=b a/ /o/\nCOPY --exclude=**/z.txt --exclude=a/y.md . /p/\nCOPY --exclude=a/** --exclude=!a/y.md . /q/\n",
        {"a/x.txt": "x", "a/y.md": "y", "a/b/z.txt": "z", "d/x.txt": "d"},
    ),
    # what else lines are made of
    "json-and-more": (
        'FROM busybox\nRUN ! ["mkdir", "/x"] # c\nCMD ["a"] b\nENTRYPOINT ["e"] # c\n',
        {},
    ),
    "lines": (
        "FROM busybox\nRUN echo a \\\n# comment\n  # indented\n\n  b > /x\nENV A=1 \\\n   # x\n   B=2 \\\n\n   C=b\\\nc\nRUN ec\\  \nho a # b > /y; true\nENV D=#x E=y#z\nRUN echo a > /z \\\n",
        {},
    ),
    "escape-crlf": (
        "# escape=`\r\nFROM busybox\r\nRUN echo a `\r\n  b > /x\r\nENV A=1\r\nCOPY f /f\r\n",
        {"f": "1"},
    ),
    "bom": ("\ufefffrom busybox\nenv A=1\ncopy f /f\n", {"f": "1"}),
    "ignore-order": (
        "FROM busybox\nCOPY . /o/\n",
        {
            ".dockerignore": "\ufeff*.log\r\n!keep.log\r\n# c\n/abs\ndir/sub\n**/x.tmp\nq?\n[^x]1\n./e\n",
            "a.log": "1",
            "keep.log": "2",
            "abs": "3",
            "d/abs": "4",
            "dir/sub/q": "5",
            "dir/z": "6",
            "d/e/x.tmp": "7",
            "x.tmp": "8",
            "qq": "9",
            "x1": "a",
            "y1": "b",
            "e": "c",
        },
    ),
    "ignore-all-but": (
        "FROM busybox\nCOPY . /o/\n",
        {
            ".dockerignore": "**\n!a/b/keep\n!c\nc/no\n",
            "a/b/keep": "1",
            "a/b/x": "2",
            "c/yes": "3",
            "c/no": "4",
            "top": "5",
        },
    ),
    # mounts
    "mount-points": (
        "FROM busybox\nWORKDIR /w\nRUN --mount=type=cache,target=c,id=shape-points touch o\nRUN --mount=type=cache,target=c,id=shape-points touch p\nRUN ls > /x\nRUN --mount=type=tmpfs,target=/deep/er/t true\n",
        {},
    ),
    "mount-bind": (
        "FROM busybox AS s\nRUN mkdir /q && echo 1 > /q/f\nFROM busybox\nRUN --mount=from=s,source=/q,target=/m cat /m/f > /x\nRUN --mount=target=/c touch /c/n || echo ro > /y\nRUN --mount=target=/c,rw touch /c/n && echo rw > /z\nRUN --mount=type=bind,source=d/k,target=/etc/k cat /etc/k > /k\n",
        {"d/k": "1"},
    ),
    "mount-cache-owner": (
        "FROM busybox\nRUN --mount=type=cache,target=/c,id=shape-owner,uid=5,gid=6,mode=0711 stat -c '%u %g %a' /c > /x\nRUN --mount=type=cache,target=/c,id=shape-owner,ro touch /c/f || echo no > /y\n",
        {},
    ),
    "volume-write": (
        "FROM busybox\nRUN mkdir -p /v && echo 1 > /v/a\nVOLUME /v\nRUN echo 2 > /v/b\nCOPY f /v/c\nWORKDIR /w\nVOLUME a ./b\n",
        {"f": "1"},
    ),
    "health-odd": (
        'FROM busybox AS a\nHEALTHCHECK CMD x\nFROM a\nHEALTHCHECK --interval=0s --retries=0 --start-period=1h cmd ["a", "b"]\nEXPOSE 80-82 90/udp 91-92/sctp 7/TCP $P\nSTOPSIGNAL RTMIN+3\nSHELL ["/bin/sh", "-xec"]\nCMD a b\nENTRYPOINT c\n',
        {},
    ),
}
