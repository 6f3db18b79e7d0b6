"""Registers the pages that join all rooms; the admin's discovery imports this module."""

from config.pages import audit, frame, inbox, participants, study
from trials.admin.site import site

site.register_page("choose-study/", frame.ChooseStudyPage, "choose_study")
site.register_page("go/", frame.GoToPage, "go_to")
site.register_page("inbox/", inbox.InboxPage, "inbox")
site.register_page("studies/<str:oid>/", study.StudyOverviewPage, "study")
site.register_page("studies/<str:oid>/participants/", participants.ParticipantsPage, "participants")
site.register_page("studies/<str:oid>/participants/new/", participants.NewParticipantPage, "participant_new")
site.register_page("studies/<str:oid>/audit/", audit.AuditTrailPage, "audit")
