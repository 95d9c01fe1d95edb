"""The ConceptMap from drugs as orders code them to ingredients, which a deployer extends."""

from app.domain.content import Content
from app.fhir.publishing.resource import Json, published

RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"
ATC = "http://www.whocc.no/atc"


def concept_maps(content: Content) -> list[Json]:
    """One: the ATC substances whose RxNorm ingredient is verified, too."""
    made = published(
        content,
        "ConceptMap",
        "clinical-drug-to-ingredient",
        name="ClinicalDrugToIngredient",
        title="Clinical drug to ingredient",
        description=(
            "From the drugs that orders name to their ingredients in RxNorm. What ships are ATC "
            "substances of which both codes are verified; an ATC code also says by which route or "
            "for what, so the ingredient is wider. A deployer adds the clinical drugs of RxNorm "
            "(SCD and SBD) in a map of the same url, in the folder that PAINPLAN_TERMINOLOGY "
            "names. A drug that maps to nothing is unknown, never safe."
        ),
    )
    return [{**made, "group": [{"source": ATC, "target": RXNORM, "element": _elements(content)}]}]


def _elements(content: Content) -> list[Json]:
    by_name: dict[str, list[str]] = {}
    for (system, code), name in sorted(content.ingredients.items()):
        if system == RXNORM:
            by_name.setdefault(name, []).append(code)
    return [
        {
            "code": code,
            "display": name,
            "target": [
                {"code": target, "display": name, "equivalence": "wider"}
                for target in by_name[name]
            ],
        }
        for (system, code), name in sorted(content.ingredients.items())
        if system == ATC and name in by_name
    ]
