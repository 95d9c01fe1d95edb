"""Knowledge by digest: what is in force, and what an older decision was made with."""

import hashlib
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import orjson

from app.domain.content import Content
from app.domain.expertise import Expertise
from app.domain.problem import Conflict, Problem
from app.knowledge.errors import ContentError
from app.knowledge.files import read_folder
from app.knowledge.loading import load_from
from app.knowledge.terminology import read_terminology

KEPT_AT_HAND = 4
CRISIS = "crisis"


def expertise(
    content: Content, *, crisis_text: str, engine: str, terminology: Mapping[str, str]
) -> Expertise:
    """Join content, terminology, crisis text and engine under one digest."""
    text = crisis_text or content.texts[CRISIS]
    archive = orjson.dumps(
        {
            "engine": engine,
            "crisis_text": text,
            "files": dict(content.files),
            "terminology": dict(terminology),
        },
        option=orjson.OPT_SORT_KEYS,
    )
    digest = f"sha256:{hashlib.sha256(archive).hexdigest()}"
    return Expertise(content, text, engine, digest, archive)


@dataclass(slots=True)
class Library:
    """The expertise in force, and a few older ones at hand."""

    current: Expertise
    older: OrderedDict[str, Expertise] = field(default_factory=OrderedDict)

    @staticmethod
    def of_release(*, crisis_text: str, engine: str, terminology: Path | None = None) -> "Library":
        """The packaged content and the deployer's terminology. ContentError when one is faulty."""
        files = read_terminology(terminology)
        content = load_from(read_folder(), files)
        return Library(
            expertise(content, crisis_text=crisis_text, engine=engine, terminology=files)
        )

    def from_archive(self, digest: str, archive: bytes) -> Expertise:
        """What decided then. Conflict names the release when this one cannot read it."""
        known = self.older.get(digest)
        if known is not None:
            return known
        kept = orjson.loads(archive)
        try:
            content = load_from(kept["files"], kept["terminology"])
        except ContentError:
            raise Conflict(
                Problem(
                    "This release cannot read the content that made the decision.",
                    mend=f"Replay it with release {kept['engine']}.",
                    code="conflict",
                )
            ) from None
        found = Expertise(content, kept["crisis_text"], kept["engine"], digest, archive)
        self.older[digest] = found
        if len(self.older) > KEPT_AT_HAND:
            self.older.popitem(last=False)
        return found
