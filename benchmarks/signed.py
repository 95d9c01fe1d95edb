"""Signed calls for the hook's cost with authentication on: a client's key and a token a request.

Tokens are made before the load starts; signing is the EHR's work and not ours.
"""

import json
import time
import uuid
from pathlib import Path

from joserfc import jwt
from joserfc.jwk import ECKey, KeyParameters, RSAKey

ISSUER = "https://ehr.bench.example"
PUBLIC = "https://painplan.bench.example"
KEY_ID = "bench"
LIVES = 3000


class Signer:
    """A client with one key of ``alg`` (RS384 or ES384)."""

    def __init__(self, alg: str) -> None:
        self.alg = alg
        of: KeyParameters = {"kid": KEY_ID, "use": "sig", "alg": alg}
        self.key = (
            ECKey.generate_key("P-384", of) if alg == "ES384" else RSAKey.generate_key(2048, of)
        )

    def settings(self, folder: Path) -> dict[str, str]:
        """The environment of a service that trusts this client."""
        keys = json.dumps({"keys": [self.key.as_dict(private=False)]}).replace('":', '" =')
        file = folder / f"clients-{self.alg}.toml"
        file.write_text(
            f'[[client]]\nname = "Bench EHR"\nissuer = "{ISSUER}"\njwks = {keys}\n',
            encoding="utf-8",
        )
        return {
            "PAINPLAN_AUTH": "on",
            "PAINPLAN_CLIENTS": str(file),
            "PAINPLAN_PUBLIC_URL": PUBLIC,
        }

    def tokens(self, path: str, count: int) -> list[str]:
        """``count`` different values of Authorization for calls of ``path``."""
        now = int(time.time())
        said = {"iss": ISSUER, "aud": f"{PUBLIC}{path}", "iat": now, "exp": now + LIVES}
        header = {"alg": self.alg, "kid": KEY_ID, "typ": "JWT"}
        tokens = (
            jwt.encode(header, {**said, "jti": str(uuid.uuid4())}, self.key, algorithms=[self.alg])
            for _ in range(count)
        )
        return [f"Bearer {token}" for token in tokens]
