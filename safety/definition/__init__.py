"""This room's section of a study folder: scales, DLT and stopping rules, reporting clocks.

``sections`` says what may be written, ``compiled`` is what the rest of the system reads.
"""
