"""Requests that the supervisor refuses, as the one exception of this rim."""

from __future__ import annotations

from sandlot_contracts.problem import Problem


class RefusedRequestError(Exception):
    """The supervisor understood and refuses; carries what the caller is told."""

    def __init__(
        self, sentence: str, *, code: str, status: int = 400, field: str | None = None
    ) -> None:
        super().__init__(sentence)
        self.problem = Problem(
            title="The supervisor refused",
            status=status,
            detail=sentence,
            message=sentence,
            code=code,
            field=field,
        )
