"""`login` and `logout`."""

from orlop.cli.credentials import INDEX, erase, find, hostname, save
from orlop.cli.failure import Failure
from orlop.cli.options import Options
from orlop.cli.out import err, is_terminal, out
from orlop.cli.prompt import read_line, read_secret
from orlop.cli.session import Session
from orlop.client.transport import ApiError
from orlop.errors import OrlopError


def _check(options: Options) -> None:
    if options.flag("password-stdin"):
        if options.changed("password"):
            raise Failure(
                "conflicting options: cannot specify both --password and --password-stdin"
            )
        if not options.changed("username"):
            raise Failure("the --password-stdin option requires --username to be set")
    if options.changed("username") and not options.text("username"):
        raise Failure("username is empty")
    if options.changed("password") and not options.text("password"):
        raise Failure("password is empty")


def login(session: Session, options: Options) -> None:
    _check(options)
    user, password = options.text("username"), options.text("password")
    if password:
        err("WARNING! Using --password via the CLI is insecure. Use --password-stdin.\n")
    if options.flag("password-stdin"):
        password = _stdin()
    server = options.args[0] if options.args else ""
    if server in ("", "docker.io"):
        server = INDEX
    elif server.startswith(("http://", "https://")) and server != INDEX:
        server = hostname(server)
    known: dict[str, str] = {}
    if not user and not password:
        try:
            known = find(session, server)
        except Failure:
            known = {}  # a helper that fails has nothing
        if known.get("username") and known.get("password") and _with_stored(session, known):
            return
    if not (user and password):
        user, password = _ask(server, user, password, known.get("username", ""))
    _login(session, {"username": user, "password": password, "serveraddress": server})


def _stdin() -> str:
    import posix

    data = b""
    while piece := posix.read(0, 65536):
        data += piece
    return data.decode("utf-8", "surrogateescape").rstrip("\r\n")


def _with_stored(session: Session, known: dict[str, str]) -> bool:
    err(f"Authenticating with existing credentials... [Username: {known['username']}]\n")
    note = "Info → " if is_terminal(2) else " Info -> "
    err(
        f"\n{note}To login with a different account, run 'orlop logout' followed by "
        "'orlop login'\n\n\n"
    )
    try:
        _login(session, known)
    except OrlopError as e:
        if isinstance(e, ApiError) and e.status == 401:
            err("Stored credentials invalid or expired\n")
        else:
            err(f"Login did not succeed, error: {e.message}\n")
        return False
    return True


_HUB = (
    "Log in with your Docker ID or email address to push and pull images from Docker Hub. If you "
    "don't have a Docker ID, head over to https://hub.docker.com/ to create one.\n"
    "You can log in with your password or a Personal Access Token (PAT). Using a limited-scope PAT "
    "grants better security and is required for organizations using SSO. Learn more at "
    "https://docs.docker.com/go/access-tokens/\n\n"
)


def _ask(server: str, user: str, password: str, known: str) -> tuple[str, str]:
    """`known`: the user whose credentials are kept, taken when none is typed."""
    if not is_terminal(0):
        raise Failure("Error: Cannot perform an interactive login from a non TTY device")
    if not user:
        if server == INDEX:
            out(_HUB)
        user = read_line(f"Username ({known}): " if known else "Username: ").strip() or known
        if not user:
            raise Failure("Error: Non-null Username Required")
    if not password:
        password = read_secret("Password: ")
        if not password:
            raise Failure("Error: Password Required")
    return user, password


def _login(session: Session, auth: dict[str, str]) -> None:
    answer = session.client.call("POST", "/auth", auth) or {}
    if answer.get("IdentityToken"):
        auth = {**auth, "password": "", "identitytoken": answer["IdentityToken"]}
    try:
        in_clear = save(session, auth["serveraddress"], auth)
    except Failure as e:
        raise Failure(f"Error saving credentials: {e.message}") from None
    if in_clear:
        err(
            f"\nWARNING! Your credentials are stored unencrypted in "
            f"'{session.config_dir}/config.json'.\n"
            "Configure a credential helper to remove this warning. See\n"
            "https://docs.docker.com/go/credential-store/\n\n"
        )
    if answer.get("Status"):
        out(f"{answer['Status']}\n")


def logout(session: Session, options: Options) -> None:
    server = options.args[0] if options.args else ""
    if not server:
        out(f"Removing login credentials for {INDEX}\n")
        erase(session, [INDEX])
        return
    name = hostname(server)
    out(f"Removing login credentials for {name}\n")
    erase(session, [server, name, "http://" + name, "https://" + name])
