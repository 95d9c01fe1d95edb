"""FHIR at the edge: reading resources into facts, writing decisions as resources."""
