"""This room's sections of a study folder: identity, schedule, eligibility and dose.

``sections`` says what may be written, ``compiled`` is what the rest of the system reads.
"""
