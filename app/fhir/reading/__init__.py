"""Resources in, facts out."""
