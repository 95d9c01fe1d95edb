"""Whom we trust and whom we may ask, built once from the settings."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from app.domain.problem import Problem, Refused
from app.ehr.access_tokens import AccessVerifier
from app.ehr.clients import TrustedClient, read_clients, servers
from app.ehr.fhir_server import FhirServers
from app.ehr.keys import FetchedKeys, Keys, PinnedKeys
from app.ehr.origins import Place
from app.ehr.outside import OpenedWhenAsked, Resolve
from app.ehr.tokens import TokenVerifier


class Trust:
    """The clients, their keys, and the FHIR servers that may be asked for them."""

    def __init__(
        self,
        clients: tuple[TrustedClient, ...],
        for_all: tuple[Place, ...],
        *,
        public_url: str,
        clock: Callable[[], datetime],
        resolve: Resolve | None = None,
    ) -> None:
        self._web = OpenedWhenAsked(resolve)
        self._fetched = {
            client.name: FetchedKeys(client.jwks_url, self._web)
            for client in clients
            if client.jwks_url
        }
        pinned = {client.name: PinnedKeys(client.keys) for client in clients}
        keys: dict[str, Keys] = {**pinned, **self._fetched}
        servers_of = any(client.fhir_servers for client in clients)
        self._may_ask = bool(self._fetched or for_all or servers_of)
        self.clients = clients
        self.verifier = TokenVerifier(clients, keys, public_url=public_url, clock=clock)
        self.access = AccessVerifier(clients, keys, public_url=public_url, clock=clock)
        self.fhir_servers = FhirServers(
            self._web,
            for_all=for_all,
            by_client={client.name: client.fhir_servers for client in clients},
        )

    def warm(self) -> None:
        """Begin to fetch what will be needed, and open the way where somebody may be asked."""
        if self._may_ask:
            self._web.open()
        for keys in self._fetched.values():
            keys.warm()

    async def close(self) -> None:
        """Leave nothing open."""
        for keys in self._fetched.values():
            await keys.close()
        await self._web.close()


def trusted(
    *, auth: str, clients: str, fhir_servers: str
) -> tuple[tuple[TrustedClient, ...], tuple[Place, ...]]:
    """What the settings say, checked. Refused names each setting, client and key that is wrong.

    With authentication off, on a developer's machine, a FHIR server may be http.
    """
    is_http_allowed = auth == "off"
    if auth == "on" and not clients:
        raise Refused(
            Problem(
                "PAINPLAN_AUTH=on trusts nobody without clients.",
                where="PAINPLAN_CLIENTS",
                mend="Name the file of trusted clients (docs/trust.md).",
            )
        )
    found = read_clients(Path(clients), is_http_allowed=is_http_allowed) if clients else ()
    return found, servers(fhir_servers, is_http_allowed=is_http_allowed)
