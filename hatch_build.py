"""Part of the build: a wheel's licences are those of what it holds."""

from pathlib import Path

from hatchling.metadata.plugin.interface import MetadataHookInterface

WEIGHTS = "packages/rgnet-weights"


class CustomMetadataHook(MetadataHookInterface):
    def update(self, metadata: dict) -> None:
        """The code is under Apache-2.0; a wheel of a checkout also holds the models, which learned from PARA."""
        metadata["license"] = "Apache-2.0"
        metadata["license-files"] = ["LICENSE", "NOTICE"]
        if (Path(self.root) / WEIGHTS / "src").is_dir():
            metadata["license"] += " AND LicenseRef-PARA-Research-Only"
            metadata["license-files"].append(f"{WEIGHTS}/LICENSE.txt")
