"""The ImplementationGuide: the table of contents of what we publish."""

from collections.abc import Iterable

from app.domain.content import Content
from app.fhir.publishing.package import NAME, US_CORE
from app.fhir.publishing.resource import FHIR_VERSION, Json, published

ID = "painplan"


def implementation_guide(content: Content, resources: Iterable[Json]) -> Json:
    """Every published resource by reference, with its title."""
    made = published(
        content,
        "ImplementationGuide",
        ID,
        name="Painplan",
        title="Painplan implementation guide",
        description=(
            "Profiles, extensions, vocabulary, forms, the protocol and the operations of Painplan, "
            "decision support for chronic low back pain."
        ),
    )
    made |= {
        "packageId": NAME,
        "license": "Apache-2.0",
        "fhirVersion": [FHIR_VERSION],
        "dependsOn": [
            {
                "id": "us-core",
                "uri": "http://hl7.org/fhir/us/core/ImplementationGuide/hl7.fhir.us.core",
                "packageId": US_CORE[0],
                "version": US_CORE[1],
            }
        ],
        "definition": {"resource": [_listed(one) for one in resources]},
    }
    return made


def _listed(resource: Json) -> Json:
    name = resource.get("title") or resource.get("name") or resource["id"]
    return {
        "reference": {"reference": f"{resource['resourceType']}/{resource['id']}"},
        "name": name if isinstance(name, str) else resource["id"],
        "exampleBoolean": False,
    }
