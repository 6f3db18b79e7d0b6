"""Registers the pages that join all rooms; the admin's discovery imports this module."""

from config.pages import audit, exports, frame, inbox, my_work, participant, participants, study
from trials.admin.site import site

site.register_page("", my_work.MyWorkPage, "index")
site.register_page("choose-study/", frame.ChooseStudyPage, "choose_study")
site.register_page("go/", frame.GoToPage, "go_to")
site.register_page("inbox/", inbox.InboxPage, "inbox")
site.register_page("studies/<str:oid>/", study.StudyOverviewPage, "study")
site.register_page("studies/<str:oid>/participants/", participants.ParticipantsPage, "participants")
site.register_page("studies/<str:oid>/participants/new/", participants.NewParticipantPage, "participant_new")
site.register_page("participants/<uuid:pk>/", participant.ParticipantPage, "participant")
site.register_page("studies/<str:oid>/audit/", audit.AuditTrailPage, "audit")
site.register_page("studies/<str:oid>/exports/", exports.ExportsPage, "exports")
site.register_page("studies/<str:oid>/exports/<str:form>.csv", exports.FormCsvPage, "export_csv")
