"""`django-admin expire_reservations`: the background job that gives back what nobody fetched."""

from __future__ import annotations

import time
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from stockroom import factory


class Command(BaseCommand):
    """End every reservation beyond its time, again and again."""

    help = "End every reservation beyond its time."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the rounds and the pause between them."""
        parser.add_argument("--rounds", type=int, default=0, help="0 goes on for ever")
        parser.add_argument("--pause-s", type=float, default=60.0)

    def handle(self, *args: Any, rounds: int, pause_s: float, **options: Any) -> None:
        """Run the rounds."""
        service = factory.get_stock_service()
        done = 0
        while not rounds or done < rounds:
            self.stdout.write(f"{service.expire()} expired")
            done += 1
            if not rounds or done < rounds:
                time.sleep(pause_s)
