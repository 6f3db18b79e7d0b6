"""Field types of study files, shared by the sections of all rooms. They refuse with what was expected."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, PlainSerializer, PlainValidator
from pydantic_core import PydanticCustomError

from trials.records.domain.expressions import nearest


class Sourced(str):
    """A text that knows the file in which it was written."""

    __slots__ = ("file",)
    file: str

    @classmethod
    def of(cls, text: str, file: str) -> Sourced:
        """Return the text with its file."""
        made = cls(text)
        made.file = file
        return made


class Section(BaseModel):
    """A block of a study file: unknown keys refused, no silent conversion."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


def refusal(message: str, expected: str = "", near: str = "") -> PydanticCustomError:
    """Return an error that carries what was expected and the nearest valid name."""
    # A brace in the text would be taken for a placeholder, so the text itself travels in the context.
    return PydanticCustomError("study_file", "{message}", {"message": message, "expected": expected, "near": near})


@dataclass(frozen=True, slots=True)
class Expression:
    """The text of an expression and the file it came from."""

    text: str
    source: str = ""


@dataclass(frozen=True, slots=True)
class Span:
    """A range with both ends included, as in ``0..24``, ``0..`` or ``..150``.

    >>> Span.read("30..45"), str(Span.read("..150"))
    (Span(low=Decimal('30'), high=Decimal('45')), '..150')
    """

    low: Decimal | None
    high: Decimal | None

    @classmethod
    def read(cls, text: str) -> Span:
        """Read a range; raises the refusal of a study file."""
        found = SPAN.fullmatch(text)
        if found is None or (not found["low"] and not found["high"]):
            raise refusal(f'"{text}" is not a range', "for example 0..24, 0.. or ..150")
        low, high = (Decimal(found[end]) if found[end] else None for end in ("low", "high"))
        if low is not None and high is not None and low > high:
            raise refusal(f'"{text}": the range runs backwards', f"{high}..{low}")
        return cls(low, high)

    def __str__(self) -> str:
        return f"{'' if self.low is None else self.low}..{'' if self.high is None else self.high}"


SPAN = re.compile(r"(?P<low>-?\d+(\.\d+)?)?\.\.(?P<high>-?\d+(\.\d+)?)?")
DURATION = re.compile(r"(?P<amount>\d+) (?P<unit>hour|hours|day|days)")
COUNTED = re.compile(r"(?P<amount>\d+) participants?")
SHARE = re.compile(r"(?P<amount>\d+(\.\d+)?) ?%")


def _text(value: Any) -> Any:
    return str(value) if isinstance(value, str | Decimal) else value


def _whole(value: Any) -> Any:
    if isinstance(value, Decimal):
        if value != value.to_integral_value():
            raise refusal(f"{value} is not a whole number", "a whole number")
        return int(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    raise refusal(f"{_shown(value)} is not a whole number", "a whole number")


def _number(value: Any) -> Any:
    if isinstance(value, Decimal):
        return value
    raise refusal(f"{_shown(value)} is not a number", "a number")


def _span(value: Any) -> Span:
    if isinstance(value, Span):
        return value
    if isinstance(value, str):
        return Span.read(value)
    raise refusal(f"{_shown(value)} is not a range", "for example 0..24, 0.. or ..150")


def _window(value: Any) -> Span:
    """``2`` is two days either side; ``-1..0`` from one day before to the day itself."""
    if isinstance(value, Decimal):
        if value < 0 or value != value.to_integral_value():
            raise refusal(f"{value} is not a window", "whole days either side, or a range such as -1..0")
        return Span(-value, value)
    return _span(value)


def _sites(value: Any) -> Span:
    if isinstance(value, Decimal) and value >= 1:
        return Span(value, value)
    return _span(value)


def _expression(value: Any) -> Expression:
    if isinstance(value, bool):
        return Expression("true" if value else "false")
    if isinstance(value, Decimal):
        return Expression(str(value))
    if isinstance(value, str) and value.strip():
        return Expression(str(value), getattr(value, "file", ""))
    raise refusal(f"{_shown(value)} is not an expression", "an expression on one line")


def _strings(value: Any) -> Any:
    return [_text(each) for each in value] if isinstance(value, list) else [_text(value)]


def _labels(value: Any) -> Any:
    return {key: _text(each) for key, each in value.items()} if isinstance(value, dict) else value


def _hours(value: Any) -> int:
    found = DURATION.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise refusal(f"{_shown(value)} is not a duration", "for example 24 hours or 14 days")
    return int(found["amount"]) * (24 if found["unit"].startswith("day") else 1)


def read_days(value: Any) -> int:
    """Read a duration of whole days, such as ``14 days``."""
    hours = _hours(value)
    if hours % 24:
        raise refusal(f"{_shown(value)} is not a number of days", "whole days, for example 14 days")
    return hours // 24


def _participants(value: Any) -> int:
    found = COUNTED.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise refusal(f"{_shown(value)} is not a number of participants", "for example 3 participants")
    return int(found["amount"])


def _share(value: Any) -> Decimal:
    found = SHARE.fullmatch(value) if isinstance(value, str) else None
    if found is None or Decimal(found["amount"]) > 100:
        raise refusal(f"{_shown(value)} is not a share", "a percentage, for example 20 %")
    return Decimal(found["amount"]) / 100


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None:
        return "nothing"
    return f'"{value}"' if isinstance(value, str | Decimal) else ("a list" if isinstance(value, list) else "a block")


def one_of(what: str, *choices: str) -> BeforeValidator:
    """Return a validator that allows these words only, and offers the nearest."""

    def check(value: Any) -> Any:
        if value in choices:
            return str(value)
        near = nearest(value, choices) if isinstance(value, str) else ""
        raise refusal(f"{_shown(value)} is not a {what}", "" if near else f"one of {', '.join(choices)}", near)

    return BeforeValidator(check)


def name_like(what: str, shape: str, expected: str) -> BeforeValidator:
    """Return a validator for names: ``shape`` is the pattern, ``expected`` says it in words."""
    pattern = re.compile(shape)

    def check(value: Any) -> Any:
        if isinstance(value, str | Decimal) and pattern.fullmatch(str(value)):
            return str(value)
        raise refusal(f"{_shown(value)} is not the name of a {what}", expected)

    return BeforeValidator(check)


Text = Annotated[str, BeforeValidator(_text)]
Whole = Annotated[int, BeforeValidator(_whole)]
Number = Annotated[Decimal, BeforeValidator(_number)]
Rule = Annotated[
    Expression,
    PlainValidator(_expression),
    PlainSerializer(lambda value: {"expression": value.text, "from": value.source}, return_type=dict),
]
_span_text = PlainSerializer(str, return_type=str)
Range = Annotated[Span, PlainValidator(_span), _span_text]
Window = Annotated[Span, PlainValidator(_window), _span_text]
Sites = Annotated[Span, PlainValidator(_sites), _span_text]
Words = Annotated[list[str], BeforeValidator(_strings)]
Labels = Annotated[dict[str, str], BeforeValidator(_labels)]
Days = Annotated[int, PlainValidator(read_days)]
Hours = Annotated[int, PlainValidator(_hours)]
Participants = Annotated[int, PlainValidator(_participants)]
Share = Annotated[Decimal, PlainValidator(_share), PlainSerializer(str, return_type=str)]
