"""Structured logs: one JSON object a line, bounded, without secrets.

What a user wrote may be in there: JSON escapes control characters, so that nobody writes a line,
a colour or a terminal command into the log. Libraries are logged by the template of their message
only, without what they filled in: JupyterHub's OAuth code, for one, fills in login states.
"""

from __future__ import annotations

import json
import logging
import re
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from typing_extensions import override

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from typing import TextIO

MAX_TEXT = 2048
"""Characters of one text. The middle is left out of longer ones."""
MAX_TRACEBACK = 16 * 1024

OWN_LOGGERS = ("sandlot_hub", "__main__")
FIELDS = "fields"
"""Name of the record attribute that holds the structured part."""

_REDACTED = "[redacted]"
_CREDENTIALS = re.compile(r"\b(token|bearer|basic)(\s+)[^\s,;'\"]+", re.IGNORECASE)
_PARAMETERS = re.compile(
    r"((?:token|secret|password|cookie|_xsrf)['\"]?\s*[=:]\s*['\"]?)[^\s&'\",;]+", re.IGNORECASE
)
_QUERY = re.compile(r"([?&](?:code|state)=)[^\s&'\"]+", re.IGNORECASE)
_SECRET_KEYS = re.compile(r"token|secret|password|cookie|authorization|xsrf", re.IGNORECASE)


class JsonFormatter(logging.Formatter):
    """Formats records as JSON.

    Parameters
    ----------
    service
        Name of the service.
    secrets
        Values that must never appear, whatever they are called.
    """

    def __init__(self, *, service: str, secrets: Collection[str] = ()) -> None:
        super().__init__()
        self._service = service
        self._secrets = tuple(filter(None, secrets))

    @override
    def format(self, record: logging.LogRecord) -> str:
        """Return the record as one line."""
        document: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "service": self._service,
            "logger": record.name,
            "message": self._clean(_message(record)),
        }
        fields: Mapping[str, Any] = getattr(record, FIELDS, {})
        document.update({key: self._field(key, value) for key, value in fields.items()})
        if record.exc_info:
            trace = self.formatException(record.exc_info)
            document["traceback"] = self._clean(trace, limit=MAX_TRACEBACK)
        return json.dumps(document, ensure_ascii=True)

    def _field(self, key: str, value: object) -> object:
        if _SECRET_KEYS.search(key):
            return _REDACTED
        if value is None or isinstance(value, (bool, int, float)):
            return value
        return self._clean(str(value))

    def _clean(self, text: str, *, limit: int = MAX_TEXT) -> str:
        # Shortened last: a cut through a secret would leave a half that nothing recognizes.
        for secret in self._secrets:
            text = text.replace(secret, _REDACTED)
        text = _CREDENTIALS.sub(rf"\1\2{_REDACTED}", text)
        text = _PARAMETERS.sub(rf"\1{_REDACTED}", text)
        text = _QUERY.sub(rf"\1{_REDACTED}", text)
        return shorten(text, limit)


def shorten(text: str, limit: int = MAX_TEXT) -> str:
    """Return `text`, without its middle when it is longer than `limit` characters."""
    if len(text) <= limit:
        return text
    half = limit // 2
    return f"{text[:half]} … ({len(text)} characters) … {text[-half:]}"


def configure_logging(
    *, service: str, level: str, secrets: Collection[str] = (), stream: TextIO | None = None
) -> None:
    """Send all logs of this process to `stream` (stderr) as JSON lines."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonFormatter(service=service, secrets=secrets))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger(OWN_LOGGERS[0]).setLevel(level)
    # Requests are logged by `app`, with the route in place of the address.
    logging.getLogger("tornado.access").setLevel(logging.CRITICAL)
    # JupyterHub's login code talks here, mostly about requests of programs without
    # Sec-Fetch-Mode, a line each.
    logging.getLogger("tornado.application").setLevel(logging.ERROR)
    logging.captureWarnings(capture=True)


def _message(record: logging.LogRecord) -> str:
    if record.name.partition(".")[0] in OWN_LOGGERS:
        return record.getMessage()
    return str(record.msg)
