"""Who acts: a person, or a named job on behalf of one."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Actor:
    """The one who acts, as the audit trail names it; never empty.

    ``name`` is a username or ``system:<job>``; ``user_id`` is empty for a system actor. ``cache`` holds what was looked
    up for this actor during one request or act (memberships) and takes no part in equality.

    >>> Actor.system("dlt-sweep").name
    'system:dlt-sweep'
    """

    name: str
    printed_name: str = ""
    user_id: str = ""
    on_behalf_of: str = ""
    cache: dict[str, object] = field(default_factory=dict, compare=False, repr=False)

    def __post_init__(self) -> None:
        if not self.name.strip():
            message = "An actor needs a name; expected a username or system:<job>."
            raise ValueError(message)

    @classmethod
    def system(cls, job: str, *, on_behalf_of: str = "") -> Actor:
        """Return the actor of a background job or a command."""
        return cls(name=f"system:{job}", printed_name=f"System ({job})", on_behalf_of=on_behalf_of)

    @property
    def is_system(self) -> bool:
        return self.name.startswith("system:")
