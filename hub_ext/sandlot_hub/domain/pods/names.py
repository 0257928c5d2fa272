"""Names and labels of what belongs to a server in the cluster, for user names in any script.

A name decides whose files a server gets and which server is stopped. So two owners never
share one: KubeSpawner's own names end in 32 bits of a digest, which somebody who may choose
a user name can match to another's in an afternoon; these end in 128.
"""

from __future__ import annotations

import re

from sandlot_hub.domain.values.names import safe_slug

SPAWN_ID = "sandlot/spawn-id"
"""Label by which a start knows what it made, whoever runs the hub by then."""
HUB = "sandlot/hub"
"""Label that tells the hubs of one namespace apart."""

_LABEL_VALUE = re.compile(r"[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?", re.ASCII)
_HASHED = "---"


def label_value(text: str) -> str:
    """Return `text` as the value of a label; no two texts share one.

    What the API server takes stays as it is, so that people find it again; anything
    else becomes a `safe_slug`.
    """
    if not text or (_LABEL_VALUE.fullmatch(text) and _HASHED not in text):
        return text
    return safe_slug(text)


def annotation_value(text: str) -> str:
    """Return `text` as the value of an annotation: any text that JSON can carry."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def environment_value(text: str) -> str:
    """Return `text` as the value of a variable, so that the server finds it as it is.

    The kubelet replaces ``$(NAME)`` by the variable of that name and ``$$`` by ``$``:
    a user name could otherwise print what another variable holds.
    """
    return text.replace("$", "$$")


def server_object_name(owner: str, server_name: str) -> str:
    """Return the name of a server's object: at most 63 characters, a DNS label."""
    return f"jupyter-{_slug(owner, server_name)}"


def home_claim_name(owner: str, server_name: str) -> str:
    """Return the name of the claim of a home.

    Parameters
    ----------
    owner
        The user's name.
    server_name
        The named server that has the home for itself; empty for the user's one home.
    """
    return f"claim-{_slug(owner, server_name)}"


def home_folder(owner: str, server_name: str) -> str:
    """Return the name of the folder of a home on a shared volume; see `home_claim_name`."""
    return _slug(owner, server_name)


def _slug(owner: str, server_name: str) -> str:
    if not server_name:
        return safe_slug(owner)
    # The hub refuses user names with a slash: it tells where the owner ends, and makes this
    # another slug than that of any owner alone.
    return safe_slug(f"{owner}/{server_name}")
