"""Write ``summaries.json`` from HL7's definitions: what of each type a summary shows.

Run ``python -m app.fhir.searching.generate PATH`` with the package ``hl7.fhir.r4.core`` 4.0.1
(``.tar.xz``). For each type that is served: the elements marked as summary, and the mandatory ones.
"""

import json
import sys
import tarfile
from pathlib import Path

from app.fhir.searching.parameters import PUBLISHED, STORED
from app.fhir.searching.summary import SUMMARIES

TYPES = (*STORED, *PUBLISHED, "Provenance", "AuditEvent")
DEPTH = 1


def generate(package: Path) -> str:
    """The summaries as text, always the same for the same package."""
    found = {}
    with tarfile.open(package) as archive:
        for type_ in TYPES:
            file = archive.extractfile(f"package/StructureDefinition-{type_}.json")
            assert file is not None  # noqa: S101  (every type of R4 is there)
            elements = json.load(file)["snapshot"]["element"]
            top = [e for e in elements if e["path"].count(".") == DEPTH]
            found[type_] = {
                "summary": [_name(e) for e in top if e.get("isSummary")],
                "mandatory": [_name(e) for e in top if e["min"] > 0],
            }
    return json.dumps(found, indent=1, sort_keys=True) + "\n"


def _name(element: dict[str, str]) -> str:
    return element["path"].partition(".")[2]


if __name__ == "__main__":
    SUMMARIES.write_text(generate(Path(sys.argv[1])), encoding="utf-8")
