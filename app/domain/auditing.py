"""An audit row as it is read back."""

from dataclasses import dataclass
from datetime import datetime

from app.domain.history import AuditRecord


@dataclass(frozen=True, slots=True)
class KeptAudit:
    """A row of the audit with what only its block knows."""

    record: AuditRecord
    committed_at: datetime
