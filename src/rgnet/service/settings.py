"""Settings of the service: arguments first, then RGNET_ variables of the environment, then defaults."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator, PositiveFloat, PositiveInt, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from rgnet.errors import SettingError

_PREFIX = "RGNET_"
_MIN_TOKEN_LENGTH = 16

_EXPECTED = {
    "int_parsing": "expected a whole number",
    "int_from_float": "expected a whole number",
    "float_parsing": "expected a number",
    "finite_number": "expected a finite number",
    "greater_than": "expected more than 0",
}


def _split_commas(value: object) -> object:
    """Hosts and origins as browsers send them: in small letters, without a slash at the end."""
    if isinstance(value, str):
        return tuple(filter(None, (word.strip().rstrip("/").lower() for word in value.split(","))))
    return value


_CommaSeparated = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split_commas)]


class Settings(BaseSettings):
    """Every field is also an environment variable: RGNET_ and its name in capitals.

    model:           name or file; None: the model that comes with rgnet
    catalogue:       shown as a gallery; None: no gallery
    threads:         CPU threads for the network, and number of decoding processes; None: one per core
    token:           that every request except health checks must carry; None: no authentication
    hosts:           names by which clients may call the service; "*": any
    origins:         other sites whose pages may call the service from a browser
    max_bytes:       per photo
    max_pixels:      per photo
    max_files:       photos per request
    max_waiting:     photos in flight across all requests; further requests get 429
    max_held:        bytes in flight across all requests; further requests get 429
    max_connections: open at once; beyond that the one idle longest is closed
    head_s:          seconds a request's head may take to arrive
    receive_s:       seconds a request's body may take to arrive
    decode_s:        seconds a photo may take to decode
    decode_memory:   bytes of address space per decoding process
    gather_s:        seconds the first photo of a batch waits for others that are being decoded
    stop_s:          graceful shutdown timeout, in seconds
    """

    model_config = SettingsConfigDict(
        env_prefix=_PREFIX, env_ignore_empty=True, frozen=True, extra="forbid", allow_inf_nan=False
    )

    model: str | None = None
    catalogue: Path | None = None
    threads: PositiveInt | None = None
    token: SecretStr | None = None
    hosts: _CommaSeparated = ("127.0.0.1", "localhost", "::1")
    origins: _CommaSeparated = ()
    max_bytes: PositiveInt = 64 * 2**20
    max_pixels: PositiveInt = 100_000_000
    max_files: PositiveInt = 32
    max_waiting: PositiveInt = 128
    max_held: PositiveInt = 512 * 2**20
    max_connections: PositiveInt = 512
    head_s: PositiveFloat = 10.0
    receive_s: PositiveFloat = 60.0
    decode_s: PositiveFloat = 20.0
    decode_memory: PositiveInt = 2 * 2**30
    gather_s: PositiveFloat = 0.03
    stop_s: PositiveFloat = 60.0

    @field_validator("token")
    @classmethod
    def _check_token(cls, token: SecretStr | None) -> SecretStr | None:
        if token is not None and len(token) < _MIN_TOKEN_LENGTH:
            raise ValueError(
                f"expected at least {_MIN_TOKEN_LENGTH} characters, found {len(token)}: "
                "make one with  openssl rand -hex 32"
            )
        return token


def read_settings(**arguments: Any) -> Settings:
    """Settings from arguments that are not None and from the environment. Raises SettingError."""
    try:
        return Settings(**{name: value for name, value in arguments.items() if value is not None})
    except ValidationError as problem:
        raise SettingError("; ".join(_describe(error) for error in problem.errors())) from None


def _describe(error: Any) -> str:
    """One error of pydantic; never with the token in it."""
    name = _PREFIX + str(error["loc"][0]).upper()
    if error["type"] == "value_error":
        return f"{name}: {error['msg'].removeprefix('Value error, ')}"
    if error["type"] == "extra_forbidden":
        return f"{name}: there is no such setting"
    return f"{name}: {_EXPECTED.get(error['type'], error['msg'])}, found {error['input']!r}"


def read_token(file: Path) -> str:
    """The token in a file, without white space around it. Raises SettingError."""
    try:
        return file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as problem:
        raise SettingError(
            f"the token file {file} cannot be read ({problem}): check its path and permissions"
        ) from problem
