"""This room's sections of a study folder: forms, outcomes and labels.

``sections`` says what may be written, ``compiled`` is what the rest of the system reads.
"""
