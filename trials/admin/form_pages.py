"""Base of pages made of small forms, each one act; and how their fields are read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any, ClassVar

from django.http import HttpRequest, HttpResponse
from django.utils.dateparse import parse_date

from trials.admin.pages import ScopedPage
from trials.middleware import STATUS
from trials.records.domain.errors import DomainError, Refusal


class FormPage(ScopedPage):
    """A page whose POST is one act: on refusal it is shown again with what was typed and all reasons.

    Where a page has several forms, each names its act in the field ``deed``: the template finds the reasons under
    ``refused.<deed>`` and what was typed under ``typed.<deed>``, so that they appear in that form alone.
    """

    deeds: ClassVar[Mapping[str, Callable[..., Any]]] = {}

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        del args
        try:
            return self.act(**kwargs)
        except DomainError as error:
            if error.kind in {"unknown", "forbidden"}:
                raise
            context = self.get_context_data(**self.refused(error), **kwargs)
            return self.render_to_response(context, status=STATUS.get(error.kind, 400))

    def refused(self, error: DomainError) -> dict[str, Any]:
        """Return what the template needs to show a refusal where it belongs."""
        deed = self.request.POST.get("deed", "")
        return {
            "refusals": [] if deed in self.deeds else error.refusals,
            "refused": {deed: error.refusals},
            "typed": {deed: self.request.POST} if self.deeds else self.request.POST,
        }

    def act(self, **kwargs: Any) -> HttpResponse:
        """Do what the form's ``deed`` names."""
        done: HttpResponse = self.chosen()(self, **kwargs)
        return done

    def chosen(self) -> Callable[..., Any]:
        """Return the act that the form names, or refuse."""
        deed = self.deeds.get(self.request.POST.get("deed", ""))
        if deed is None:
            expected = ", ".join(sorted(self.deeds))
            raise DomainError((Refusal("deed", f"one of {expected}", "another", "Use the buttons of the page."),))
        return deed


def read_date(text: str, where: str) -> date | None:
    """Read a date field; empty means none, anything else must be a date."""
    if not text.strip():
        return None
    try:
        found = parse_date(text.strip())
    except ValueError:
        found = None
    if found is None:
        raise DomainError((Refusal("date", "a date such as 2026-11-23", repr(text), "Correct it.", where=where),))
    return found


def read_dates(values: Mapping[str, str], *names: str) -> dict[str, date | None]:
    """Read several date fields and refuse all that are none together."""
    found: dict[str, date | None] = {}
    refusals: list[Refusal] = []
    for name in names:
        try:
            found[name] = read_date(values.get(name, ""), name)
        except DomainError as error:
            refusals += error.refusals
    if refusals:
        raise DomainError(tuple(refusals))
    return found
