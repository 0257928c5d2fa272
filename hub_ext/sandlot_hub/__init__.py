"""Sandlot's hub side: one call, `install(c, …)`, turns a JupyterHub into a shared sandbox."""

from __future__ import annotations

# Binding the function here, after the import of the module of the same name, is what makes
# `from sandlot_hub import install` give the function every time. Done on first use instead,
# the second use would find the module: importing a submodule sets the package's attribute.
from .install import install

__all__ = ["install"]
