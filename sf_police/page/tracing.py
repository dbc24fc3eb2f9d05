"""One record's way as the page asks for it. One at a time, as each goes through the whole topic."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Final

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from sf_police.errors import SfPoliceError
from sf_police.question import Question
from sf_police.trace.journey import Found
from sf_police.trace.tracer import NotFoundError
from sf_police.view import trace
from sf_police.view.terminal import printable, to_json

_FRESH: Final = {"cache-control": "no-cache"}
_LONGEST_ID: Final = 2_000


class Tracing:
    """Answers for the way of the records with an id.

    Args:
        find: finds them; raises SfPoliceError.
        question: whose records they are.
    """

    def __init__(self, find: Callable[[str], Found], question: Question) -> None:
        self._find, self._question = find, question
        self._is_at_work = threading.Lock()

    def answer(self, request: Request) -> Response:
        """Return what is known, as rows for people and as JSON for programs; `said` is why there are no rows."""
        wanted = request.query_params.get("id", "").strip()
        if not wanted or len(wanted) > _LONGEST_ID:
            return PlainTextResponse(f"id: expected the {self._question.id} of a record", 400, headers=_FRESH)
        if not self._is_at_work.acquire(blocking=False):
            said = "another record is being looked for: ask again once it is found"
            return PlainTextResponse(said, 503, headers=_FRESH)
        try:
            found = self._find(wanted)
        except NotFoundError as error:
            return self._json({"said": printable(error.what), "rows": []})
        except SfPoliceError as error:
            return PlainTextResponse(printable(error), 503, headers=_FRESH)
        finally:
            self._is_at_work.release()
        document = trace.document(found, self._question)
        return self._json({"said": "", "rows": trace.rows(found, self._question), **document})

    @staticmethod
    def _json(document: object) -> Response:
        return Response(to_json(document, indent=None), media_type="application/json", headers=_FRESH)
