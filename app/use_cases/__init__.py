"""The verbs: what a caller can ask of the service, and the ports they need."""
