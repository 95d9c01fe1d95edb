"""The knowledge in force: content, crisis text and engine, under one digest."""

from dataclasses import dataclass

from app.domain.content import Content


@dataclass(frozen=True, slots=True)
class Expertise:
    """What decides.

    ``archive`` is what the database keeps of it, so that an old plan can be derived again;
    ``digest`` (``sha256:...``) covers everything in the archive.
    """

    content: Content
    crisis_text: str
    engine: str
    digest: str
    archive: bytes
