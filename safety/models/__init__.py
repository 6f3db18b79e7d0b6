from safety.models.adverse_event import AdverseEvent, AeGrade
from safety.models.assessment import Assessment, Episode
from safety.models.dlt import DltCandidate, DltWindow

__all__ = ["AdverseEvent", "AeGrade", "Assessment", "DltCandidate", "DltWindow", "Episode"]
