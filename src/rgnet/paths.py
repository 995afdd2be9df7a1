"""Where rgnet keeps a user's files: one rule on every system, that of platformdirs."""

from __future__ import annotations

import os
import sys
from pathlib import Path


def data_folder() -> Path:
    """What must not be lost: ~/.local/share/rgnet, ~/Library/Application Support/rgnet or %LOCALAPPDATA%\\rgnet."""
    from platformdirs import user_data_path

    return user_data_path("rgnet", appauthor=False)


def catalogue_file() -> Path:
    """The catalogue that commands use unless told otherwise."""
    return data_folder() / "catalogue.sqlite"


def immich_ledger() -> Path:
    """What rgnet wrote into immich: without it, rgnet's stars there count as a person's."""
    return data_folder() / "immich.sqlite"


def cache_folder() -> Path:
    """What may be deleted at any time: ~/.cache/rgnet, ~/Library/Caches/rgnet or %LOCALAPPDATA%\\rgnet\\Cache."""
    from platformdirs import user_cache_path

    return user_cache_path("rgnet", appauthor=False)


def model_folders() -> tuple[Path, ...]:
    """Where a user's own models are looked for, the last one first: $RGNET_MODELS alone, if set."""
    if folder := os.environ.get("RGNET_MODELS"):
        return (Path(folder),)
    own = data_folder() / "models"
    if sys.platform == "darwin":  # where rgnet 0.1 looked
        return Path.home() / ".local" / "share" / "rgnet" / "models", own
    return (own,)
