"""The listeners that a Config asks for."""

from __future__ import annotations

from orlop.api.listen import Wrap, open_listeners
from orlop.api.server import Listener
from orlop.config import Config


def open_all(config: Config) -> list[Listener]:
    """Raises InvalidArgument, SystemFailure; nothing stays open then."""
    wrap: Wrap | None = None
    if config.tls or config.tlsverify:
        from orlop.api import tls

        made = tls.context(config.tlscert, config.tlskey, config.tlscacert, verify=config.tlsverify)
        wrap = tls.wrapper(made)
    out: list[Listener] = []
    try:
        for host in config.hosts or ("unix://",):
            out += open_listeners(
                host,
                default_socket=config.socket,
                group=config.group,
                wrap=wrap,
                client_certificates=config.tlsverify,
                allow_plain=config.unsafe_tcp,
            )
    except BaseException:
        for listener in out:
            listener.sock.close()
            if listener.remove is not None:
                listener.remove()
        raise
    return out
