"""What another version of the content would change, for whom, and by which rule."""

from app.impact.population import AS_OF, material, population
from app.impact.printing import print_impact
from app.impact.report import Impact, Patient, as_json, impact
from app.impact.told import told_patients
from app.impact.versions import version

__all__ = [
    "AS_OF",
    "Impact",
    "Patient",
    "as_json",
    "impact",
    "material",
    "population",
    "print_impact",
    "told_patients",
    "version",
]
