"""`compose`: run the docker-compose that is on this machine against our daemon.

Any version does, the plugin of 2.x as well as the program of 1.29. Reasons: docs/adr.
"""

import os

from orlop.cli.failure import Failure
from orlop.cli.options import Options
from orlop.cli.session import Session
from orlop.client.host import home

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

_NAME = "docker-compose"
# where the Docker CLI looks for plugins
_DIRECTORIES = (
    "/usr/local/lib/docker/cli-plugins", "/usr/local/libexec/docker/cli-plugins",
    "/usr/lib/docker/cli-plugins", "/usr/libexec/docker/cli-plugins",
)  # fmt: skip
_TLS = (("tlscacert", "ca.pem"), ("tlscert", "cert.pem"), ("tlskey", "key.pem"))


def compose(session: Session, options: Options) -> None:
    program = find(session)
    session.client.raw("GET", "/_ping")  # starts the daemon where commands do
    env = environment(session)
    try:
        os.execve(program, [_NAME, *options.args], env)
    except OSError as e:
        raise Failure(f"orlop compose: {program}: {e.strerror}", 126) from None


def find(session: Session) -> str:
    """The program: ORLOP_COMPOSE, a plugin, or one on the PATH. Raises Failure."""
    for path in _candidates(session):
        if os.access(path, os.X_OK) and os.path.isfile(path):
            return path
    raise Failure(
        "orlop compose: docker-compose is not installed here\n"
        "Install it with the system's packages (Debian: apt-get install docker-compose), put the "
        f"plugin into {session.config_dir}/cli-plugins, or name it with ORLOP_COMPOSE"
    )


def _candidates(session: Session) -> "Iterator[str]":
    named = os.environ.get("ORLOP_COMPOSE")
    if named:
        yield named
        return
    directories = [os.path.join(session.config_dir, "cli-plugins")]
    extra = session.config.get("cliPluginsExtraDirs")
    if isinstance(extra, list):
        directories += [str(one) for one in extra]
    directories += [os.path.join(home(), ".docker/cli-plugins"), *_DIRECTORIES]
    directories += os.environ.get("PATH", os.defpath).split(":")
    for directory in directories:
        if directory:
            yield os.path.join(directory, _NAME)


def environment(session: Session) -> dict[str, str]:
    """The caller's, with our daemon as the only one that is named. Raises Failure."""
    env = {
        key: value
        for key, value in os.environ.items()
        if key not in ("DOCKER_CONTEXT", "DOCKER_TLS_VERIFY", "DOCKER_TLS")
    }
    env["DOCKER_HOST"] = session.client.host
    env["DOCKER_CONFIG"] = session.config_dir
    env.setdefault("DOCKER_BUILDKIT", "0")  # `build:` goes to POST /build
    env.update(_tls(session))
    return env


def _tls(session: Session) -> dict[str, str]:
    """docker-compose knows a directory of certificates, not their names."""
    from orlop.client.host import tls_of

    found = tls_of(session.settings)
    if not found.get("tls") and not found.get("tlsverify"):
        return {}
    directories = set()
    for setting, name in _TLS:
        path = str(found.get(setting) or "")
        if path and os.path.basename(path) != name:
            raise Failure(f"orlop compose: the file of --{setting} must be called {name}")
        if path:
            directories.add(os.path.dirname(os.path.abspath(path)))
    if len(directories) > 1:
        raise Failure("orlop compose: ca.pem, cert.pem and key.pem must be in one directory")
    env = {"DOCKER_TLS_VERIFY": "1"} if found.get("tlsverify") else {"DOCKER_TLS": "1"}
    if directories:
        env["DOCKER_CERT_PATH"] = directories.pop()
    return env
