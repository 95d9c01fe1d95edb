"""What the service believes about pain: plain Python, no I/O, no clock, no FHIR."""
