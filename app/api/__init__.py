"""HTTP in and out: routes, media types, error translation; no clinical word."""
