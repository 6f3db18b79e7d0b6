"""Participant numbers: the site's code, a hyphen, and the site's own sequence in three digits or more.

A sequence number is given once and never again, also when its record is taken back.
"""

from __future__ import annotations

import re

_NUMBER = re.compile(r"(?:(?P<site>[A-Z0-9]{1,8})\s*[-–—/ ]\s*)?0*(?P<sequence>\d{1,9})", re.IGNORECASE)


def participant_number(site_code: str, sequence: int) -> str:
    """Return the number of a site's n-th participant (``sequence`` from 1); raises ValueError below 1.

    >>> participant_number("01", 13), participant_number("01", 1000)
    ('01-013', '01-1000')
    """
    if sequence < 1:
        raise ValueError(f"expected a sequence from 1, found {sequence}")
    return f"{site_code}-{sequence:03d}"


def parse_number(text: str) -> tuple[str, int] | None:
    """Read what a person types for a number: site code (empty when left out) and sequence; None when it is no number.

    >>> parse_number("13"), parse_number(" 01-013 "), parse_number("01-13"), parse_number("thirteen")
    (('', 13), ('01', 13), ('01', 13), None)
    """
    found = _NUMBER.fullmatch(text.strip())
    if found is None or int(found["sequence"]) < 1:
        return None
    return (found["site"] or "").upper(), int(found["sequence"])
