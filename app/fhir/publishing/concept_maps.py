"""The ConceptMap from clinical drugs to ingredients, which a deployer fills."""

from app.domain.content import Content
from app.fhir.publishing.resource import Json, published


def concept_maps(content: Content) -> list[Json]:
    """One, without rows: we may not ship the codes of clinical drugs."""
    made = published(
        content,
        "ConceptMap",
        "clinical-drug-to-ingredient",
        name="ClinicalDrugToIngredient",
        title="Clinical drug to ingredient",
        description=(
            "From the clinical drugs that orders name (RxNorm SCD and SBD) to their ingredients. "
            "It ships empty: a deployer builds it from RxNorm Prescribable Content and names its "
            "folder in PAINPLAN_TERMINOLOGY. A drug that maps to nothing is unknown, never safe."
        ),
    )
    return [made]
