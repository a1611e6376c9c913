"""``manage.py verify_audit``: recompute every audit chain and say whether it holds."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser

from activity import audit
from activity.models import AuditHead


class Command(BaseCommand):
    """Exit code 0 when every chain holds, 1 otherwise."""

    help = "Verify the audit chain of one organization or of all."

    def add_arguments(self, parser: CommandParser) -> None:
        """Accept one organization."""
        parser.add_argument("--organization", type=UUID, help="only this organization")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Print one line per chain and one per fault."""
        wanted = options["organization"]
        ids = [wanted] if wanted else list(AuditHead.objects.values_list("pk", flat=True))
        broken = 0
        for organization_id in ids:
            verdict = audit.verify(organization_id)
            word = "holds" if verdict.holds else "BROKEN"
            self.stdout.write(f"{organization_id}: {verdict.entries} entries, the chain {word}")
            for finding in verdict.findings:
                self.stdout.write(f"  entry {finding.number}: {finding.fault}")
            broken += not verdict.holds
        if broken:
            raise CommandError(f"{broken} of {len(ids)} chains are broken")
