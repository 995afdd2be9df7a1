"""What a service does, and what it refuses: one frozen value, made of arguments and of the environment."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from rgnet.errors import SettingError

PREFIX = "RGNET_"
LOOPBACK = ("127.0.0.1", "localhost", "::1")
SHORTEST_TOKEN = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Every field is also an environment variable: RGNET_ and its name in capitals.

    model:         name or file; None for the one that comes with rgnet
    catalogue:     of the gallery; None: there is no gallery
    threads:       of the processor, for the network, and as many processes that decode; None for all
    token:         that every request but a health check must bear; None: none
    hosts:         names by which clients may call the service, "*" for any
    origins:       pages of other sites that may call it from a browser
    max_bytes:     of a photo; max_pixels: of a photo; max_files: of a request
    max_waiting:   photos in hand, and max_held: their bytes in hand; beyond either, requests are told to come later
    receive_s:     seconds a request's body may take to arrive
    decode_s:      seconds a photo may take to decode, and decode_memory: bytes that its process may have
    gather_s:      seconds the first photo of a batch waits for others that are being decoded
    stop_s:        seconds that a stopping service gives what it has in hand
    """

    model: str | None = None
    catalogue: Path | None = None
    threads: int | None = None
    token: str | None = field(default=None, repr=False)
    hosts: tuple[str, ...] = LOOPBACK
    origins: tuple[str, ...] = ()
    max_bytes: int = 64 * 2**20
    max_pixels: int = 100_000_000
    max_files: int = 32
    max_waiting: int = 128
    max_held: int = 512 * 2**20
    receive_s: float = 60.0
    decode_s: float = 20.0
    decode_memory: int = 2 * 2**30
    gather_s: float = 0.03
    stop_s: float = 60.0

    def __post_init__(self) -> None:
        for name in LIMITS:
            value = getattr(self, name)
            if value is not None and value <= 0:
                raise SettingError(f"{name} is more than 0, not {value}")
        if self.token is not None and len(self.token) < SHORTEST_TOKEN:
            raise SettingError(
                f"the token has {len(self.token)} characters, at least {SHORTEST_TOKEN} are needed: "
                "make one with  openssl rand -hex 32"
            )

    @classmethod
    def of(cls, environment: Mapping[str, str], **given: Any) -> Settings:
        """What is given (and not None), then what the environment says. Raises SettingError."""
        found = {
            one.name: value
            for one in fields(cls)
            if (value := read(one.name, one.type, environment)) is not None
        }
        return cls(**found | {name: value for name, value in given.items() if value is not None})


LIMITS = tuple(one.name for one in fields(Settings) if one.type.startswith(("int", "float")))

KINDS: dict[str, Callable[[str], Any]] = {
    "int": int,
    "float": float,
    "str": str,
    "Path": Path,
    "tuple[str, ...]": lambda text: tuple(filter(None, (word.strip() for word in text.split(",")))),
}


def read(name: str, kind: str, environment: Mapping[str, str]) -> Any:
    """What the environment says of one setting; None where it says nothing."""
    variable = PREFIX + name.upper()
    if not (text := environment.get(variable)):
        return None
    kind = kind.removesuffix(" | None")
    try:
        return KINDS[kind](text)
    except ValueError:
        raise SettingError(f"{variable} is a number ({kind}), not {text!r}") from None


def token_in(file: Path) -> str:
    """The token that a file holds, its ends trimmed. Raises SettingError."""
    try:
        return file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as problem:
        raise SettingError(f"the token file {file} cannot be read ({problem}): name another") from problem
