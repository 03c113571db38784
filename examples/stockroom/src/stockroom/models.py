"""The tables."""

from __future__ import annotations

from django.db import models


class Item(models.Model):
    """Something that lies on a shelf."""

    sku = models.CharField(max_length=32, unique=True)
    name = models.CharField(max_length=40)
    on_hand = models.IntegerField(default=0)

    class Meta:
        constraints = [models.CheckConstraint(condition=models.Q(on_hand__gte=0), name="item_on_hand_not_negative")]

    def __str__(self) -> str:
        return self.sku


class Reservation(models.Model):
    """A part of an item that is promised to somebody, for a time."""

    reference = models.CharField(max_length=32, unique=True)
    item = models.ForeignKey(Item, on_delete=models.PROTECT)
    quantity = models.PositiveIntegerField()
    state = models.CharField(max_length=12)
    expires = models.DateTimeField()

    def __str__(self) -> str:
        return self.reference


class Movement(models.Model):
    """One change of what is on hand, never changed afterwards."""

    item = models.ForeignKey(Item, on_delete=models.PROTECT)
    delta = models.IntegerField()
    reason = models.CharField(max_length=12)
    reference = models.CharField(max_length=32)

    def __str__(self) -> str:
        return f"{self.delta:+} {self.reason}"


class AuditEntry(models.Model):
    """Who did what."""

    action = models.CharField(max_length=12)
    subject = models.CharField(max_length=32)
    detail = models.CharField(max_length=80)

    def __str__(self) -> str:
        return f"{self.action} {self.subject}"
