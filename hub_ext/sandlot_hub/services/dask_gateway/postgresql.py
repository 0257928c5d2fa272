"""dask-gateway's tables on PostgreSQL.

They were made for SQLite, which takes any number into any column. Here a time in milliseconds
would not fit, a truth value would be refused, and there is no type of the name BINARY.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.dialects import registry
from sqlalchemy.dialects.postgresql.base import PGTypeCompiler
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from typing_extensions import override

if TYPE_CHECKING:
    from collections.abc import Callable

    from pydantic import SecretStr

_NAME = "postgresql.sandlot"
_CONNECT_S = 2
"""How long a database that does not answer is waited for; the library knows no less."""
_LOCKED_MS = 500
"""How long a lock is waited for. Everybody waits meanwhile: there is one thread."""
_STATEMENT_MS = 1000


class _Whole(sa.BigInteger):
    """Any whole number, and truth values as upstream writes them into such columns."""

    @override
    def bind_processor(self, dialect: sa.Dialect) -> Callable[[Any], Any]:
        del dialect
        return lambda value: None if value is None else int(value)


class _Types(PGTypeCompiler):
    # The names are SQLAlchemy's: it looks them up by the name of the type.

    @override
    def visit_INTEGER(self, type_: Any, **kw: Any) -> str:
        return "BIGINT"

    @override
    def visit_BINARY(self, type_: Any, **kw: Any) -> str:
        return "BYTEA"


class GatewayDialect(PGDialect_psycopg):
    """PostgreSQL, for those tables only."""

    supports_statement_cache = True
    type_compiler_cls = _Types
    colspecs = {**PGDialect_psycopg.colspecs, sa.Integer: _Whole}  # noqa: RUF012 (as in the base class)


def engine_options(url: SecretStr) -> dict[str, Any]:
    """Return how SQLAlchemy is asked for a database: the URL, and options.

    Every wait has an end: the gateway serves nobody while it waits.
    """
    registry.register(_NAME, __name__, GatewayDialect.__name__)
    waits = {"lock_timeout": _LOCKED_MS, "statement_timeout": _STATEMENT_MS}
    parsed = sa.engine.make_url(url.get_secret_value()).set(drivername=_NAME.replace(".", "+"))
    return {
        "url": parsed.render_as_string(hide_password=False),
        "pool_pre_ping": True,
        "connect_args": {
            "application_name": "sandlot-dask-gateway",
            "connect_timeout": _CONNECT_S,
            "options": " ".join(f"-c {name}={value}" for name, value in waits.items()),
            "tcp_user_timeout": _CONNECT_S * 1000,
        },
    }
