# ruff: noqa: E501
"""Dockerfiles of the shape that real projects have, on a busybox base: name → (text, files).

Features of BuildKit's language alone are in tests/system: the classic builder does not know them.
"""

from __future__ import annotations

PY = {"requirements.txt": "flask==3\n", "app.py": "print('app')\n", "pkg/__init__.py": "",
      "pkg/mod.py": "x = 1\n", "tests/test_app.py": "assert True\n"}  # fmt: skip
NODE = {
    "package.json": '{"name": "x"}\n',
    "package-lock.json": "{}\n",
    "src/index.js": "1\n",
    "public/index.html": "<p>\n",
    "node_modules/dep/index.js": "2\n",
    ".dockerignore": "node_modules\n**/*.log\n!keep.log\n",
    "a.log": "x",
    "keep.log": "y",
}
GO = {"go.mod": "module x\n", "go.sum": "", "cmd/app/main.go": "package main\n",
      "internal/a/a.go": "package a\n"}  # fmt: skip

SHAPES: dict[str, tuple[str, dict[str, str]]] = {
    "python-app": (
        "FROM busybox AS base\nENV PYTHONUNBUFFERED=1 \\\n    PIP_NO_CACHE_DIR=off\nWORKDIR /app\n"
        "COPY requirements.txt ./\nRUN mkdir -p /usr/lib/site && cp requirements.txt /usr/lib/site/\n"
        'COPY . .\nEXPOSE 8000\nCMD ["python", "app.py"]\n',
        PY,
    ),
    "python-multistage": (
        "FROM busybox AS build\nWORKDIR /src\nCOPY requirements.txt .\nRUN mkdir -p /venv/bin /venv/lib"
        " && echo wheel > /venv/lib/w && printf '#!x' > /venv/bin/run && chmod 755 /venv/bin/run\n"
        "FROM busybox\nRUN echo 'app:x:1000:1000::/home/app:/bin/sh' >> /etc/passwd && echo 'app:x:1000:' >> /etc/group\nCOPY --from=build /venv /venv\n"
        "COPY --chown=app:app pkg /own/app/pkg\nENV PATH=/venv/bin:$PATH\nUSER app\n"
        'ENTRYPOINT ["/venv/bin/run"]\n',
        PY,
    ),
    "python-args": (
        "ARG BASE=busybox\nFROM $BASE\nARG VERSION=1.0\nARG REV\nLABEL version=$VERSION rev=${REV:-none}"
        "\nENV APP_VERSION=$VERSION\nRUN echo $APP_VERSION > /version\n",
        PY,
    ),
    "django": (
        "FROM busybox\nENV DJANGO_SETTINGS_MODULE=proj.settings\nRUN mkdir /static /media && "
        "chown 33:33 /media && chmod 2775 /media\nWORKDIR /code\nADD . /code/\nVOLUME /media\n"
        "EXPOSE 8000/tcp\nHEALTHCHECK --interval=30s --timeout=3s --retries=5 CMD wget -q -O- "
        'http://localhost:8000/ || exit 1\nCMD ["gunicorn", "-b", "0.0.0.0:8000"]\n',
        PY,
    ),
    "node": (
        "FROM busybox\nENV NODE_ENV=production\nWORKDIR /usr/src/app\nCOPY package*.json ./\n"
        "RUN mkdir node_modules && echo dep > node_modules/dep\nCOPY . .\nEXPOSE 3000\nUSER 1000\n"
        'CMD [ "node", "src/index.js" ]\n',
        NODE,
    ),
    "node-static": (
        "FROM busybox AS build\nWORKDIR /app\nCOPY . .\nRUN mkdir dist && cp public/index.html dist/ && "
        "cp src/index.js dist/app.js\nFROM busybox\nCOPY --from=build /app/dist /usr/share/nginx/html\n"
        'EXPOSE 80 443\nSTOPSIGNAL SIGQUIT\nCMD ["nginx", "-g", "daemon off;"]\n',
        NODE,
    ),
    "node-user": (
        "FROM busybox\nRUN echo nodejs:x:1001: >> /etc/group && echo next:x:1001:1001::/:/bin/sh >> /etc/passwd\n"
        "COPY --chown=next:nodejs src /app/src\nCOPY --chown=1001 public /app/public\nUSER next\n"
        "WORKDIR /app\nENV PORT 3000\nENTRYPOINT node server.js\n",
        NODE,
    ),
    "go-scratch": (
        "FROM busybox AS build\nWORKDIR /go/src/x\nCOPY go.mod go.sum ./\nRUN cat go.mod > /dev/null\n"
        "COPY . .\nRUN mkdir /out && echo binary > /out/app && chmod +x /out/app\nFROM scratch\n"
        "COPY --from=build /out/app /app\nCOPY --from=build /out /out2\nUSER 65534\n"
        'ENTRYPOINT ["/app"]\n',
        GO,
    ),
    "go-args": (
        "FROM busybox AS builder\nARG GOOS=linux\nARG GOARCH=amd64\nENV CGO_ENABLED=0 GOFLAGS=-mod=vendor"
        "\nCOPY cmd/ /src/cmd/\nCOPY internal /src/internal\nRUN echo $GOOS/$GOARCH > /target\n"
        "FROM busybox\nCOPY --from=builder /target /etc/target\n",
        GO,
    ),
    "postgres": (
        "FROM busybox\nRUN set -eux; echo postgres:x:70: >> /etc/group; "
        "echo postgres:x:70:70::/var/lib/postgresql:/bin/sh >> /etc/passwd; mkdir -p /var/lib/postgresql; chown -R postgres:postgres "
        "/var/lib/postgresql\nENV LANG en_US.utf8\nRUN mkdir /docker-entrypoint-initdb.d\n"
        "ENV PG_MAJOR=16\nENV PG_VERSION 16.1\nENV PGDATA /var/lib/postgresql/data\n"
        'RUN mkdir -p "$PGDATA" && chown -R postgres:postgres "$PGDATA" && chmod 1777 "$PGDATA"\n'
        "VOLUME /var/lib/postgresql/data\nCOPY docker-entrypoint.sh /usr/local/bin/\n"
        'ENTRYPOINT ["docker-entrypoint.sh"]\nSTOPSIGNAL SIGINT\nEXPOSE 5432\nCMD ["postgres"]\n',
        {"docker-entrypoint.sh": '#!/bin/sh\nexec "$@"\n'},
    ),
    "nginx": (
        'FROM busybox\nLABEL maintainer="NGINX <a@b.c>"\nENV NGINX_VERSION=1.25\nRUN mkdir -p '
        "/var/log/nginx /etc/nginx/conf.d && ln -sf /dev/stdout /var/log/nginx/access.log && "
        "ln -sf /dev/stderr /var/log/nginx/error.log\nCOPY nginx.conf /etc/nginx/nginx.conf\n"
        "COPY conf.d/*.conf /etc/nginx/conf.d/\nEXPOSE 80\nSTOPSIGNAL SIGQUIT\n"
        'CMD ["nginx", "-g", "daemon off;"]\n',
        {
            "nginx.conf": "events {}\n",
            "conf.d/a.conf": "a",
            "conf.d/b.conf": "b",
            "conf.d/c.txt": "c",
        },
    ),
    "redis": (
        "FROM busybox\nRUN echo redis:x:99: >> /etc/group && echo redis:x:99:99::/data: >> /etc/passwd\nRUN mkdir /data && "
        "chown redis:redis /data\nVOLUME /data\nWORKDIR /data\nCOPY entry.sh /usr/local/bin/\n"
        'ENTRYPOINT ["entry.sh"]\nEXPOSE 6379\nCMD ["redis-server"]\n',
        {"entry.sh": "#!/bin/sh\n"},
    ),
    "java": (
        "FROM busybox AS build\nCOPY pom.xml /tmp/\nCOPY src /tmp/src/\nWORKDIR /tmp/\nRUN mkdir target && "
        "echo jar > target/app-1.0.jar && echo jar > target/app-1.0-sources.txt\nFROM busybox\n"
        'ENV JAVA_OPTS="-Xmx64m -Dx=y"\nCOPY --from=build /tmp/target/*.jar /opt/app.jar\n'
        "ENTRYPOINT exec java $JAVA_OPTS -jar /opt/app.jar\n",
        {"pom.xml": "<p/>", "src/main/java/A.java": "class A {}"},
    ),
    "ruby": (
        "FROM busybox\nWORKDIR /app\nCOPY Gemfile Gemfile.lock ./\nRUN echo gems > /gems\nCOPY . /app\n"
        'ENV RAILS_ENV=production RAILS_LOG_TO_STDOUT=true\nCMD ["bundle", "exec", "puma"]\n',
        {"Gemfile": "x", "Gemfile.lock": "y", "app/models/a.rb": "z", "bin/rails": "r"},
    ),
    "php": (
        "FROM busybox\nENV APACHE_CONFDIR /etc/apache2\nRUN mkdir -p $APACHE_CONFDIR/sites && "
        "echo site > $APACHE_CONFDIR/sites/default\nCOPY html/ /srv/www/html/\nWORKDIR /srv/www/html\n"
        "RUN chown -R 33:33 /srv/www/html\nEXPOSE 80\n",
        {"html/index.php": "<?php", "html/.htaccess": "x"},
    ),
    "rust": (
        "FROM busybox AS planner\nCOPY Cargo.* ./\nRUN cat Cargo.toml > recipe.json\n"
        "FROM busybox AS cook\nCOPY --from=planner recipe.json recipe.json\nRUN echo cooked > deps\n"
        "FROM cook AS builder\nCOPY src src\nRUN echo built > app\nFROM busybox\n"
        'COPY --from=builder app /usr/local/bin/app\nENTRYPOINT ["app"]\n',
        {"Cargo.toml": "[p]", "Cargo.lock": "l", "src/main.rs": "fn main() {}"},
    ),
    "shell-json": (
        'FROM busybox\nSHELL ["/bin/sh", "-o", "pipefail", "-c"]\nRUN echo a | tee /a\n'
        'SHELL ["/bin/sh", "-ec"]\nRUN echo b > /b\nCMD c d\nENTRYPOINT e f\n',
        {},
    ),
    "cmd-then-entrypoint": ('FROM busybox\nCMD ["a"]\nENTRYPOINT ["b"]\n', {}),
    "entrypoint-resets-cmd": ('FROM busybox AS a\nCMD ["base"]\nFROM a\nENTRYPOINT ["e"]\n', {}),
    "env-forms": (
        "FROM busybox\nENV a=1 b=\"two words\" c='single' d=with\\ space\nENV old the rest of it\n"
        "ENV e=$a f=\"${b}!\" g='$a' h=\\$a i=${nope:-default} j=${a:+set}\nRUN env | grep -E "
        "'^[a-j]=|^old=' | sort > /env\n",
        {},
    ),
    "labels": (
        'FROM busybox\nLABEL a=1 b="x y"\nLABEL c.d-e_f="g\\\nh"\nLABEL "quoted key"=\'v\'\n'
        'LABEL multi="line one \\\n  line two"\n',
        {},
    ),
    "expose": (
        "FROM busybox\nEXPOSE 80 443/tcp 53/udp 8000-8002\nEXPOSE 80\nARG P=9\nEXPOSE ${P}000\n",
        {},
    ),
    "volumes": ('FROM busybox\nVOLUME /a /b\nVOLUME ["/c", "/d e"]\nARG D=/f\nVOLUME $D\n', {}),
    "workdirs": (
        "FROM busybox\nWORKDIR /a\nWORKDIR b\nWORKDIR ../c\nENV D=/x/y\nWORKDIR $D/z\nRUN pwd > /pwd\n"
        "WORKDIR /\nRUN touch here\n",
        {},
    ),
    "users": (
        "FROM busybox\nUSER 5\nRUN (id -u; id -g) > /tmp/one\nUSER 5:6\nRUN (id -u; id -g) > /tmp/two\nUSER nobody\n"
        "RUN touch /tmp/three\nWORKDIR /made\nUSER root\n",
        {},
    ),
    "health-none": ("FROM busybox AS a\nHEALTHCHECK CMD true\nFROM a\nHEALTHCHECK NONE\n", {}),
    "health-flags": (
        "FROM busybox\nHEALTHCHECK --interval=1m30s --timeout=10s --start-period=5s --retries=2 "
        'CMD ["wget", "-q", "x"]\n',
        {},
    ),
    "onbuild": (
        'FROM busybox\nONBUILD ADD . /app/src\nONBUILD RUN echo x\nONBUILD CMD ["a", "b"]\n',
        {},
    ),
    "copy-dir-content": (
        "FROM busybox\nCOPY d /e\nCOPY d/ /f/\nCOPY d /g/\nCOPY d/sub /g\n",
        {"d/a": "1", "d/sub/b": "2", "d/sub/deep/c": "3"},
    ),
    "copy-many": (
        'FROM busybox\nCOPY a b d/ /x/\nCOPY ["with space", "/y/"]\nCOPY a /z\nCOPY b /z2/\n',
        {"a": "1", "b": "2", "d/c": "3", "with space": "4"},
    ),
    "copy-wild": (
        "FROM busybox\nCOPY *.t?t /w/\nCOPY d/[ab]* /v/\nCOPY */f /u/\n",
        {
            "a.txt": "1",
            "b.tat": "2",
            "c.md": "3",
            "d/a1": "4",
            "d/b2": "5",
            "d/c3": "6",
            "e/f": "7",
        },
    ),
    "copy-over": (
        "FROM busybox\nRUN mkdir -p /t/sub && echo old > /t/a && echo keep > /t/k && chmod 700 /t\n"
        "COPY t /t\nCOPY a /t/a\n",
        {"t/a": "new", "t/sub/b": "2", "a": "newer"},
    ),
    "copy-into-link": (
        "FROM busybox\nRUN mkdir -p /real && ln -s /real /link && ln -s real /rel\nCOPY f /link/\n"
        "COPY f /rel/g\nCOPY f /link/deeper/h\n",
        {"f": "1"},
    ),
    "delete": (
        "FROM busybox AS a\nRUN mkdir -p /d/e && touch /d/e/1 /d/2 && echo x > /f\nFROM a\n"
        "RUN rm -r /d/e && rm /f && mkdir /f && touch /f/now-a-dir\nRUN rm -rf /d && mkdir /d && touch /d/3\n",
        {},
    ),
    "replace-kinds": (
        "FROM busybox\nRUN mkdir /a && touch /a/x && touch /b && ln -s /a /c\nRUN rm -r /a && ln -s /b /a && "
        "rm /b && mkdir /b && rm /c && touch /c\n",
        {},
    ),
    "modes": (
        "FROM busybox\nRUN touch /p /q /r && chmod 0 /p && chmod 7777 /q && chmod 4711 /r && mkdir -m 1777 /s"
        " && mkfifo /pipe && ln /q /hard && ln -s /nowhere /dangling\nRUN chmod 600 /q && chown 1:2 /p\n",
        {},
    ),
    "rename": (
        "FROM busybox\nRUN mkdir -p /o/p && touch /o/p/q\nRUN mv /o /n && mv /bin/[ /bin/bracket\n",
        {},
    ),
    "args-scope": (
        'ARG G=global\nFROM busybox AS one\nARG G\nRUN echo "$G" > /one\nARG L=local\nENV L=env\n'
        'RUN echo $L >> /one\nFROM busybox\nARG G=own\nRUN echo "$G ${L:-unset}" > /two\n'
        "COPY --from=one /one /one\n",
        {},
    ),
    "continuations": (
        "FROM busybox\nRUN echo a \\\n# comment\n  && echo b > /b \\\n\\\n  && echo c > /c\n"
        "RUN echo 'quoted \\\n  text' > /q\n",
        {},
    ),
    "escape": (
        "# escape=`\nFROM busybox\nRUN echo a `\n  b > /ab\nENV P=C:\\dir\nCOPY f /x\\y\n",
        {"f": "1"},
    ),
    "maintainer": ("FROM busybox\nMAINTAINER Some One <s@o>\nENV X=1\n", {}),
    "tar": (
        "FROM busybox\nRUN mkdir /in && echo t > /in/t && tar -C /in -cf - t | tar -C /tmp -xf -\nCOPY x.txt /\n",
        {"x.txt": "1"},
    ),
    "parent-dirs": (
        "FROM busybox\nCOPY f /very/deep/dir/f\nADD f /other/deep/\nWORKDIR /wd/a/b\nCOPY f ../c/\n",
        {"f": "1"},
    ),
    "dockerignore": (
        "FROM busybox\nCOPY . /all\n",
        {
            ".dockerignore": "*.md\n!README.md\nbuild/\n**/tmp\n/top\nsub/*/x\n# c\n",
            "README.md": "1",
            "other.md": "2",
            "build/o": "3",
            "a/tmp/b": "4",
            "top": "5",
            "a/top": "6",
            "sub/q/x": "7",
            "sub/q/y": "8",
        },
    ),
    "from-stage-number": (
        "FROM busybox\nRUN echo 0 > /s\nFROM busybox\nRUN echo 1 > /s\nFROM busybox\nCOPY --from=0 /s /s0\n"
        "COPY --from=1 /s /s1\n",
        {},
    ),
    "copy-from-image": (
        "FROM busybox\nRUN echo x > /x\nFROM busybox\nCOPY --from=busybox /bin/sh /copied/\n",
        {},
    ),
    "stop-signal": ("FROM busybox\nARG S=SIGUSR1\nSTOPSIGNAL $S\n", {}),
    "empty-steps": ("FROM busybox\nRUN true\nRUN :\nCMD []\n", {}),
    "unicode": (
        'FROM busybox\nENV Ü=ü K=한국어\nLABEL x="☃"\nCOPY ü.txt /ü/\nRUN echo ☃ > /☃\n',
        {"ü.txt": "1"},
    ),
    "etc-files": (
        "FROM busybox\nRUN echo 'x:x:7:' >> /etc/group && echo extra > /etc/extra.conf\n"
        "COPY hosts /etc/hosts.extra\n",
        {"hosts": "1"},
    ),
}
