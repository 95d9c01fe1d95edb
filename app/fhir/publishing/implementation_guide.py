"""The ImplementationGuide: the table of contents of what we publish."""

from collections.abc import Iterable, Mapping

from app.domain.content import Content
from app.fhir.canon import CANON
from app.fhir.publishing.package import NAME, US_CORE
from app.fhir.publishing.resource import FHIR_VERSION, Json, published

ID = "painplan"


def implementation_guide(
    content: Content, resources: Iterable[Json], examples: Mapping[str, Json]
) -> Json:
    """Every published resource by reference, with its title; then the examples, by file name."""
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
        "definition": {
            "resource": [
                *(_listed(one) for one in resources),
                *(_example(name, one) for name, one in examples.items()),
            ]
        },
    }
    return made


def _listed(resource: Json) -> Json:
    name = resource.get("title") or resource.get("name") or resource["id"]
    return {
        "reference": {"reference": f"{resource['resourceType']}/{resource['id']}"},
        "name": name if isinstance(name, str) else resource["id"],
        "exampleBoolean": False,
    }


def _example(file: str, resource: Json) -> Json:
    """An example of the profile of ours that it claims, or of its type where it claims none."""
    profiles = resource.get("meta", {}).get("profile", ())
    ours = [profile for profile in profiles if profile.startswith(CANON)]
    kind = {"exampleCanonical": ours[0]} if ours else {"exampleBoolean": True}
    return {
        "reference": {"reference": f"{resource['resourceType']}/{resource['id']}"},
        "name": file.removesuffix(".json"),
        **kind,
    }
