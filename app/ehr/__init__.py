"""The hospital's side: its FHIR server, the keys of those who call us, and the guards of both."""
