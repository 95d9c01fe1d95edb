"""Search as FHIR spells it: parameters, the values they find, queries, and parts of resources."""
