# ruff: noqa: E501
"""Dockerfiles as projects write them for BuildKit: mounts, heredocs, --chmod, --link, ADD of archives."""

from __future__ import annotations

MODERN: dict[str, tuple[str, dict[str, str]]] = {
    "uv-python": (
        "FROM busybox AS build\nENV UV_COMPILE=1\nWORKDIR /app\n"
        "RUN --mount=type=cache,target=/root/.cache --mount=type=bind,source=uv.lock,target=uv.lock "
        "mkdir -p .venv/bin && cp uv.lock .venv/lock && echo cached > /root/.cache/x && ln -s ../lock .venv/bin/lock\n"
        "COPY --link . /app\nFROM busybox\nRUN <<EOF\nset -e\necho app:x:999: >> /etc/group\necho app:x:999:999::/:/bin/sh >> /etc/passwd\nEOF\n"
        'COPY --from=build --chown=app:app /app /app\nENV PATH=/app/.venv/bin:$PATH\nUSER app\nCMD ["serve"]\n',
        {
            "uv.lock": "lock\n",
            "src/a.py": "1\n",
            ".dockerignore": "**/__pycache__\n",
            "src/__pycache__/a.pyc": "x",
        },
    ),
    "next-standalone": (
        "FROM busybox AS base\nFROM base AS deps\nWORKDIR /app\nCOPY package.json package-lock.json* ./\n"
        "RUN --mount=type=cache,target=/root/.npm mkdir node_modules && cp package.json node_modules/.lock\n"
        "FROM base AS builder\nWORKDIR /app\nCOPY --from=deps /app/node_modules ./node_modules\nCOPY . .\n"
        "RUN mkdir -p .next/standalone .next/static && cp server.js .next/standalone/ && echo css > .next/static/x.css\n"
        "FROM base AS runner\nWORKDIR /app\nENV NODE_ENV=production\nRUN echo nodejs:x:1001: >> /etc/group && echo nextjs:x:1001:1001::/: >> /etc/passwd\n"
        "COPY --from=builder /app/public ./public\nCOPY --from=builder --chown=nextjs:nodejs /app/.next/standalone ./\n"
        "COPY --from=builder --chown=nextjs:nodejs /app/.next/static ./.next/static\nUSER nextjs\nEXPOSE 3000\n"
        'ENV PORT=3000 HOSTNAME=0.0.0.0\nCMD ["node", "server.js"]\n',
        {"package.json": "{}\n", "server.js": "1\n", "public/i.png": "p"},
    ),
    "go-modules": (
        "FROM --platform=$BUILDPLATFORM busybox AS build\nARG TARGETOS TARGETARCH\nWORKDIR /src\n"
        "RUN --mount=type=bind,target=. --mount=type=cache,target=/go mkdir -p /out && cat go.mod cmd/main.go > /out/server && chmod 755 /out/server\n"
        "FROM scratch AS final\nCOPY --from=build /out/server /server\nCOPY --chmod=0644 <<EOF /etc/passwd\nnobody:x:65534:65534::/:\nEOF\n"
        'USER 65534:65534\nENTRYPOINT ["/server"]\n',
        {"go.mod": "module x\n", "cmd/main.go": "package main\n"},
    ),
    "postgres-init": (
        "FROM busybox\nRUN set -eux; echo postgres:x:999: >> /etc/group; echo postgres:x:999:999::/var/lib/postgresql:/bin/sh >> /etc/passwd; "
        "mkdir -p /var/run/postgresql; chown postgres:postgres /var/run/postgresql; chmod 3777 /var/run/postgresql\nENV PGDATA=/var/lib/postgresql/data\n"
        'RUN mkdir -p "$PGDATA" && chown 999:999 "$PGDATA" && chmod 1777 "$PGDATA"\nVOLUME /var/lib/postgresql/data\n'
        "COPY --chmod=755 entry.sh /usr/local/bin/\nRUN ln -sT entry.sh /usr/local/bin/docker-entrypoint.sh\n"
        "COPY <<-'SQL' /docker-entrypoint-initdb.d/10-schema.sql\n\tCREATE TABLE t (x text DEFAULT '$HOME');\nSQL\n"
        'ENTRYPOINT ["docker-entrypoint.sh"]\nSTOPSIGNAL SIGINT\nEXPOSE 5432\nCMD ["postgres"]\n',
        {"entry.sh": '#!/bin/sh\nexec "$@"\n'},
    ),
    "nginx-templates": (
        "FROM busybox\nARG UID=101\nRUN echo nginx:x:$UID: >> /etc/group && echo nginx:x:$UID:$UID::/: >> /etc/passwd && "
        "mkdir -p /var/log/nginx /docker-entrypoint.d && ln -sf /dev/stdout /var/log/nginx/access.log && ln -sf /dev/stderr /var/log/nginx/error.log\n"
        "COPY --chmod=a+x *.envsh *.sh /docker-entrypoint.d/\nADD --chown=101:101 html.tar /usr/share/nginx/\n"
        "COPY <<server.conf <<gzip.conf /etc/nginx/conf.d/\nserver { listen ${UID}; }\nserver.conf\ngzip on;\ngzip.conf\n"
        'EXPOSE 80\nSTOPSIGNAL SIGQUIT\nCMD ["nginx", "-g", "daemon off;"]\n',
        {"10-a.sh": "a", "15-b.envsh": "b", "html.tar": "no tar at all"},
    ),
    "rust-chef": (
        "FROM busybox AS chef\nWORKDIR /app\nFROM chef AS planner\nCOPY . .\nRUN sort Cargo.toml > recipe.json\n"
        "FROM chef AS builder\nCOPY --from=planner /app/recipe.json recipe.json\n"
        "RUN --mount=type=cache,target=/usr/local/cargo,sharing=locked mkdir -p target && cp recipe.json target/deps\nCOPY . .\n"
        "RUN --mount=type=tmpfs,target=/scratch cat src/main.rs target/deps > /scratch/bin && cp /scratch/bin target/app && chmod 0755 target/app\n"
        'FROM busybox AS runtime\nCOPY --from=builder /app/target/app /usr/local/bin\nENTRYPOINT ["/usr/local/bin/app"]\n',
        {"Cargo.toml": "b\na\n", "src/main.rs": "fn main() {}\n"},
    ),
    "java-layers": (
        "FROM busybox AS extract\nWORKDIR /b\nCOPY app.jar .\nRUN for l in dependencies loader application; do mkdir -p e/$l/x; cp app.jar e/$l/x/$l; done\n"
        "FROM busybox\nWORKDIR application\nCOPY --from=extract /b/e/dependencies/ ./\nCOPY --from=extract /b/e/loader/ ./\n"
        'COPY --from=extract /b/e/application/ ./\nENV JAVA_OPTS="-Xmx64m -Dx=y"\n'
        'ENTRYPOINT exec java $JAVA_OPTS -cp . Main\nHEALTHCHECK --start-period=5s --start-interval=1s CMD ["true"]\n',
        {"app.jar": "jar"},
    ),
    "php-extensions": (
        "ARG PHP=8.3\nFROM busybox AS php\nARG PHP\nENV PHP_VERSION=${PHP}.1 PHP_INI_DIR=/usr/local/etc/php\n"
        'RUN mkdir -p "$PHP_INI_DIR/conf.d"; [ ! -d /srv/www/html ]; mkdir -p /srv/www/html; chown 33:33 /srv/www/html; chmod 1777 /srv/www/html\n'
        'SHELL ["/bin/sh", "-eo", "pipefail", "-c"]\nRUN <<\'ext\'\nfor e in gd intl; do\n  echo "extension=$e.so" > "$PHP_INI_DIR/conf.d/$e.ini"\ndone\next\n'
        'WORKDIR /srv/www/html\nCOPY --chown=33:33 --chmod=u=rwX,go=rX . .\nCMD ["php-fpm"]\n',
        {"index.php": "<?php\n", "lib/a.php": "<?php\n"},
    ),
    "secrets-and-env": (
        "FROM busybox\nARG A=${NOPE:-default} B=${A:+set} C=${A%ult}\nENV D=${B}-${C} E=\"q u\" F='$A' G=$A\\$B\n"
        "RUN --mount=type=secret,id=none --mount=type=ssh test ! -e /run/secrets/none && env | grep -E '^[A-G]=' | sort > /env\n"
        'LABEL "com.x"="multi \\\nline" y=$D\nWORKDIR $C/${E}\nRUN pwd > here\n',
        {},
    ),
    "overwrites": (
        "FROM busybox AS a\nRUN mkdir -p /d/e && echo 1 > /d/f && ln -s e /d/l && echo 2 > /d/e/g && chmod 700 /d\n"
        "FROM busybox\nCOPY --from=a /d /d\nCOPY one /d/f\nCOPY two /d/l/\nRUN rm -rf /d/e/g && mkdir /d/e/g && mv /d/f /d/moved\n"
        "COPY --chmod=701 one /made/on/way\nCOPY tree/ /d/\nRUN chown -hR 7:8 /d/l && touch -h /d/l\nCOPY --from=a --chmod=750 /d/e /d/x/\nONBUILD COPY <<EOF /o\n$A\nEOF\n",
        {"one": "1", "two": "2", "tree/e/h": "3", "tree/moved": "4"},
    ),
}
