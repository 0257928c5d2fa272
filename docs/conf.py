"""How Sphinx builds these pages: plain MyST, no theme to install, nothing from the network."""

from __future__ import annotations

from importlib.metadata import version as version_of

project = "Sandlot"
author = "Sandlot developers"
copyright = "2026, Sandlot developers"  # noqa: A001 (Sphinx's name)
release = version = version_of("sandlot")

extensions = ["myst_parser"]
myst_enable_extensions = ["colon_fence", "deflist"]
# Links to headings, as they are written on every forge.
myst_heading_anchors = 3
exclude_patterns = ["_build"]
nitpicky = True

html_theme = "alabaster"
html_theme_options = {
    "description": "A JupyterHub as a shared data-science sandbox",
    "fixed_sidebar": True,
    "show_powered_by": False,
}
html_copy_source = False
