"""What a build adds: the prebuilt Lab extension, and the definitions of the local images.

hatchling loads this file by its name. An editable install needs neither: there ``make``
builds the extension, with its progress shown, and the images lie in the checkout.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

from hatchling.builders.config import BuilderConfig
from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class LabExtensionHook(BuildHookInterface[BuilderConfig]):
    """Completes a wheel or source distribution."""

    PLUGIN_NAME = "custom"

    # `typing.override` is of 3.12, and a build environment has no typing_extensions.
    def initialize(  # type: ignore[explicit-override]
        self, version: str, build_data: dict[str, Any]
    ) -> None:
        """Build where needed; `version` is ``editable`` or ``standard``."""
        if version == "editable":
            return
        if self.target_name == "wheel":
            build_data["force_include"]["images"] = "sandlot_hub/_images"
        frontend = _frontend(Path(self.root))
        if not frontend.build_fresh():
            self.app.display_info("Building the Lab extension")
            frontend.build()


def _frontend(root: Path) -> Any:
    """Load tools/frontend.py by its path: while building, the root is not on sys.path."""
    spec = importlib.util.spec_from_file_location("frontend", root / "tools/frontend.py")
    if spec is None or spec.loader is None:
        message = "tools/frontend.py is missing; build from a whole checkout."
        raise FileNotFoundError(message)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
