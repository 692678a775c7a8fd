"""`system dial-stdio`: the daemon's socket on our standard streams, for ssh:// hosts."""

from orlop.cli.options import Options
from orlop.cli.session import Session
from orlop.cli.stream import Pump


def dial_stdio(session: Session, options: Options) -> None:
    conn = session.client._dial()
    # raw bytes both ways, as a terminal has them
    Pump(conn, tty=True, stdin=True, outputs={1: 1}, keys=b"").run()
    conn.close()
