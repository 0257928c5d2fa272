"""What a hub on the test cluster reads, and its proxy."""

from __future__ import annotations

CONFIG = """\
import json
from pathlib import Path

c = get_config()
for section, values in json.loads(Path(__file__).with_name("hub.json").read_text()).items():
    c[section].update(values)
c.Authenticator.admin_users = {{{admin!r}}}

{extra}

from sandlot_hub import install

install(c, "settings.json")
"""
PROXY = """\
[global]
checkNewVersion = false
sendAnonymousUsage = false
[log]
level = "WARN"
[api]
[entryPoints.http]
address = "{address}:{port}"
[entryPoints.http.transport.respondingTimeouts]
readTimeout = "0s"
[entryPoints.auth_api]
address = "127.0.0.1:{api_port}"
[providers]
providersThrottleDuration = "0s"
[providers.file]
filename = "{rules}"
watch = true
"""
