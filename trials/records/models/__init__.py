from trials.records.models.audit_event import AuditEvent
from trials.records.models.chain import Chain
from trials.records.models.lock import Lock
from trials.records.models.notification import EventCursor, Heartbeat, Notification
from trials.records.models.signature import Signature

__all__ = ["AuditEvent", "Chain", "EventCursor", "Heartbeat", "Lock", "Notification", "Signature"]
