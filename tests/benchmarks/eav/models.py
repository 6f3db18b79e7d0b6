"""Entity, attribute, value; an audit row per item; and a plain 40-field table for the stock change page."""

from __future__ import annotations

from typing import Any, ClassVar, Self

from django.db import models


class EavRow(models.Model):
    objects: ClassVar[models.Manager[Self]] = models.Manager()

    class Meta:
        abstract = True
        app_label = "benchmarks"


class EavItem(EavRow):
    id = models.BigAutoField(primary_key=True)
    form_code = models.CharField(max_length=8)
    name = models.CharField(max_length=20)
    low = models.DecimalField(max_digits=10, decimal_places=2)
    high = models.DecimalField(max_digits=10, decimal_places=2)

    class Meta:
        app_label = "benchmarks"
        unique_together = [("form_code", "name")]


class EavForm(EavRow):
    id = models.BigAutoField(primary_key=True)
    site = models.UUIDField()
    participant = models.UUIDField(db_index=True)
    visit = models.UUIDField(db_index=True)
    code = models.CharField(max_length=8)
    status = models.CharField(max_length=12, default="in_progress")
    changed_at = models.DateTimeField(null=True)

    class Meta:
        app_label = "benchmarks"
        unique_together = [("visit", "code")]


class EavValue(EavRow):
    id = models.BigAutoField(primary_key=True)
    form = models.ForeignKey(EavForm, on_delete=models.CASCADE)
    item = models.ForeignKey(EavItem, on_delete=models.CASCADE)
    item_id: int
    value = models.CharField(max_length=200)

    class Meta:
        app_label = "benchmarks"
        unique_together = [("form", "item")]


class EavChain(EavRow):
    key = models.CharField(max_length=60, primary_key=True)
    seq = models.PositiveBigIntegerField(default=0)
    hash = models.CharField(max_length=64, default="")

    class Meta:
        app_label = "benchmarks"


class EavAudit(EavRow):
    id = models.BigAutoField(primary_key=True)
    chain = models.ForeignKey(EavChain, on_delete=models.PROTECT)
    seq = models.PositiveBigIntegerField()
    form = models.ForeignKey(EavForm, on_delete=models.CASCADE)
    item = models.ForeignKey(EavItem, on_delete=models.CASCADE)
    old = models.CharField(max_length=200, null=True)
    new = models.CharField(max_length=200, null=True)
    actor = models.CharField(max_length=150)
    reason = models.CharField(max_length=200, default="")
    at = models.DateTimeField()
    previous_hash = models.CharField(max_length=64)
    hash = models.CharField(max_length=64)

    class Meta:
        app_label = "benchmarks"
        unique_together = [("chain", "seq")]
        indexes = [models.Index(fields=["form", "item"], name="bench_audit_item")]


class EavQuery(EavRow):
    id = models.BigAutoField(primary_key=True)
    form = models.ForeignKey(EavForm, on_delete=models.CASCADE)
    check_key = models.CharField(max_length=40)
    text = models.CharField(max_length=200)
    is_open = models.BooleanField(default=True)

    class Meta:
        app_label = "benchmarks"


FIELDS = tuple(f"n{number}" for number in range(40))
"""Fields of the 40-field table, alternately a number, a text, a choice and a date."""


def _field(number: int) -> models.Field[Any, Any]:
    label = f"Item {number}"
    match number % 4:
        case 0:
            return models.DecimalField(label, max_digits=8, decimal_places=2, null=True)
        case 1:
            return models.CharField(label, max_length=200, blank=True)
        case 2:
            return models.CharField(label, max_length=1, choices=[("Y", "Yes"), ("N", "No")], blank=True)
        case _:
            return models.DateField(label, null=True)


Wide: type[EavRow] = type(
    "Wide",
    (EavRow,),
    {
        "__module__": __name__,
        "__qualname__": "Wide",
        "Meta": type("Meta", (), {"app_label": "benchmarks"}),
        "id": models.BigAutoField(primary_key=True),
        **{name: _field(number) for number, name in enumerate(FIELDS)},
    },
)
"""A table with 40 columns, one per item: what stock admin is made for."""

MODELS: tuple[type[models.Model], ...] = (EavItem, EavForm, EavValue, EavChain, EavAudit, EavQuery, Wide)
"""In the order in which their tables can be made."""
