from capture.models.draft import Draft
from capture.models.form_record import FormRecord, LogDeclaration
from capture.models.query import Query, QueryEntry

__all__ = ["Draft", "FormRecord", "LogDeclaration", "Query", "QueryEntry"]
