"""The noun: registries as one engine sees them (pools, token cache, configuration)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from orlop.config import Config
from orlop.oci.reference import Reference
from orlop.registry.credentials import Credentials, from_auth
from orlop.registry.endpoints import Endpoint, endpoints
from orlop.registry.failure import RegistryFailure
from orlop.registry.proxies import environment
from orlop.registry.retry import retrying
from orlop.registry.session import Session
from orlop.registry.tokens import Tokens
from orlop.registry.transport import Transport

_PATIENCE = 5  # seconds to wait for a registry that says when it will be back
USER_AGENT = "docker/28.5.2 orlop"  # registries have rules for docker's prefix


class Registries:
    def __init__(self, config: Config, *, transport: Transport | None = None) -> None:
        self.config = config
        self.transport = transport or Transport(user_agent=USER_AGENT, environ=environment(config))
        self.tokens = Tokens()

    def sessions(
        self,
        domain: str,
        auth: Mapping[str, Any] | None,
        *,
        push: bool = False,
        insecure: bool = False,
    ) -> Iterator[Session]:
        """Sessions that answered the ping, in the order to try.

        A caller takes the next one when an endpoint fails in a way that another may not (see
        `another_may_serve`). Raises the last RegistryFailure when none is left.
        """
        credentials = from_auth(auth)
        last: RegistryFailure | None = None
        for endpoint in endpoints(self.config, domain, push=push, insecure=insecure):
            session = self.session(endpoint, credentials)
            try:
                retrying(session.ping, again=_busy)
            except RegistryFailure as failure:
                last = failure
                continue
            last = None
            yield session
        if last is not None:
            raise last

    def session(self, endpoint: Endpoint, credentials: Credentials) -> Session:
        """Credentials of the registry are not shown to its mirrors."""
        given = Credentials() if endpoint.mirror else credentials
        return Session(self.transport, self.tokens, endpoint, given)

    def close(self) -> None:
        self.transport.close()


def _busy(failure: RegistryFailure) -> bool:
    """It answered, and not "come back much later"; where nobody answers the next one is asked."""
    patient = (failure.retry_after or 0) <= _PATIENCE
    return failure.temporary and not failure.unreachable and patient


def another_may_serve(session: Session, failure: RegistryFailure) -> bool:
    """A mirror may lack or lose what its origin has; a broken https host may speak http."""
    return session.endpoint.mirror or failure.unreachable


def pull_scope(reference: Reference) -> tuple[str, ...]:
    return (f"repository:{reference.path}:pull",)


def push_scope(reference: Reference) -> tuple[str, ...]:
    return (f"repository:{reference.path}:pull,push",)
