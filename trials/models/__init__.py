from trials.models.participant import Participant, SiteStay
from trials.models.people import Membership, PastPassword, User
from trials.models.study import Arm, DoseLevel, Site, SiteActivation, Study, StudyVersion
from trials.models.typed import Consent, Deviation, Infusion
from trials.models.visit import Visit

__all__ = [
    "Arm",
    "Consent",
    "Deviation",
    "DoseLevel",
    "Infusion",
    "Membership",
    "Participant",
    "PastPassword",
    "Site",
    "SiteActivation",
    "SiteStay",
    "Study",
    "StudyVersion",
    "User",
    "Visit",
]
