"""What an installation says about itself: environment variables, all beginning with `AMENDS_`."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from core.clocks import APART
from core.errors import AmendsError

#: Calls that must fit into a lease: a payout is sent only where two more have room after the one
#: that its intent may have taken. With less it would be put off again and again.
CALLS_IN_A_LEASE = 3


class Unworkable(AmendsError):
    """Settings that are right one by one and cannot work together."""


class BadSetting(AmendsError):
    """A setting has a value that it cannot have; the message names it."""


class Settings(BaseSettings):
    """Read once at the start of a process. Every field is described in docs/reference.md."""

    model_config = SettingsConfigDict(env_prefix="AMENDS_", env_file=".env", extra="ignore")

    database_url: Annotated[str, Field(description="SQLite or PostgreSQL address")] = (
        "sqlite:///amends.sqlite3"
    )
    workspace: Annotated[str, Field(description="the workspace this process serves")] = "main"
    key_file: Annotated[Path, Field(description="sealing keys, made by `amends keys new`")] = Path(
        "amends.keys"
    )
    keys: Annotated[
        SecretStr | None, Field(description="sealing keys themselves, instead of a key file")
    ] = None
    public_url: Annotated[
        str, Field(description="the address hosts reach this server by, without a final slash")
    ] = "http://127.0.0.1:8410"
    host: Annotated[str, Field(description="address to listen on")] = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535, description="port to listen on")] = 8410
    web_threads: Annotated[
        int, Field(ge=1, le=256, description="requests answered at the same time")
    ] = 32
    runners: Annotated[int, Field(ge=1, le=64, description="cases worked on at once")] = 4
    lease_seconds: Annotated[
        int, Field(ge=5, le=3600, description="how long a runner holds a case; see the docs")
    ] = 90
    call_seconds: Annotated[
        int, Field(ge=1, le=120, description="the longest one call to a host may take")
    ] = 15
    poll_seconds: Annotated[
        float, Field(gt=0, le=60, description="how often to look for work others left")
    ] = 1.0
    allow_private_hosts: Annotated[
        bool, Field(description="allow hosts on private addresses and plain http (self-hosted)")
    ] = False
    body_max_bytes: Annotated[
        int, Field(ge=1024, le=16 * 2**20, description="largest webhook body accepted")
    ] = 2**20
    smtp_host: Annotated[
        str | None, Field(description="mail server; without one nobody is mailed")
    ] = None
    smtp_port: Annotated[int, Field(ge=1, le=65535, description="its port")] = 587
    smtp_security: Annotated[
        Literal["starttls", "tls", "none"], Field(description="how the mail server is spoken to")
    ] = "starttls"
    smtp_user: Annotated[str | None, Field(description="account at the mail server")] = None
    smtp_password: Annotated[SecretStr | None, Field(description="its password")] = None
    smtp_from: Annotated[str, Field(description="whom mails come from")] = "amends@localhost"
    smtp_language: Annotated[str, Field(description="language of mails to staff")] = "en"
    smtp_digest_minutes: Annotated[
        int, Field(ge=0, le=1440, description="collect mails for so long; 0 sends at once")
    ] = 0
    keep_bodies_days: Annotated[
        int, Field(ge=1, le=3650, description="days for which raw deliveries are kept")
    ] = 30
    sweep_hour: Annotated[
        int, Field(ge=0, le=23, description="the hour of the nightly sweep, where the workspace is")
    ] = 3
    anchor_file: Annotated[
        Path | None, Field(description="a file outside the database that keeps the ledger's head")
    ] = None
    log_level: Annotated[
        Literal["debug", "info", "warning", "error", "critical"],
        BeforeValidator(lambda said: said.lower() if isinstance(said, str) else said),
        Field(description="debug, info, warning, error or critical"),
    ] = "info"

    @model_validator(mode="after")
    def _lease_holds_calls(self) -> Settings:
        least = CALLS_IN_A_LEASE * self.call_seconds + int(APART.total_seconds())
        if self.lease_seconds < least:
            raise Unworkable(
                f"AMENDS_LEASE_SECONDS is {self.lease_seconds}, and with AMENDS_CALL_SECONDS at "
                f"{self.call_seconds} payouts would be put off for ever: make it {least} at least"
            )
        return self

    @property
    def call_within(self) -> timedelta:
        return timedelta(seconds=self.call_seconds)

    @property
    def lease_length(self) -> timedelta:
        return timedelta(seconds=self.lease_seconds)


def read_settings() -> Settings:
    """The settings of this process. Raises `BadSetting`, `Unworkable`."""
    try:
        return Settings()
    except ValidationError as error:
        said = (
            f"AMENDS_{'_'.join(map(str, e['loc'])).upper()}: {e['msg']}" for e in error.errors()
        )
        raise BadSetting("; ".join(said)) from None
