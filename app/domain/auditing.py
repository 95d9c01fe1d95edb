"""An audit row as it is read back."""

from datetime import datetime
from typing import NamedTuple

from app.domain.history import AuditRecord


class KeptAudit(NamedTuple):
    """A row of the audit with what only its block knows."""

    record: AuditRecord
    committed_at: datetime
