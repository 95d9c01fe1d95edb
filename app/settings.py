"""Settings from PAINPLAN_* (contract §8), read once and passed in."""

import re
from typing import Literal

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

# A query, a fragment, a user or a space would end up in the middle of every link.
PUBLIC_URL = re.compile(r"https?://[^\s/?#@]+(?:/[^\s?#]*)?")


class Settings(BaseSettings):
    """What a deployer may set; the defaults run on a developer's machine."""

    model_config = SettingsConfigDict(env_prefix="PAINPLAN_", extra="ignore")

    database_url: str = "sqlite:///painplan.db"
    public_url: str = "http://127.0.0.1:8000"
    auth: Literal["off", "on", "off-insecure"] = "off"
    clients: str = ""
    fhir_servers: str = ""
    cors_origins: str = ""
    guideline_profile: Literal["who", "uk", "us"] = "who"
    crisis_text: str = ""
    terminology: str = ""
    anchor_key_file: str = ""
    rate_limit: int = Field(default=0, ge=0, le=1_000_000)
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    tenant: str = Field(default="default", exclude=True)

    @field_validator("public_url")
    @classmethod
    def _without_its_last_slash(cls, value: str) -> str:
        """Paths are put behind it, and theirs begin with a slash."""
        if not PUBLIC_URL.fullmatch(value):
            raise ValueError("is no address such as https://painplan.example or one with a path")
        return value.rstrip("/")
