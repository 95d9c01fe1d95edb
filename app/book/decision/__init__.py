"""A decision as one page for a person: the plan, why, how scores went, what is missing."""

from app.book.decision.page import decision_page

__all__ = ["decision_page"]
