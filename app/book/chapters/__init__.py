"""One file for each kind of content that has words of its own, and one for every other kind."""
