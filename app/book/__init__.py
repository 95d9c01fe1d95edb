"""The clinical content as a book that a clinician can read: one HTML page, and Markdown."""

from app.book.writing import drift, pages, write

__all__ = ["drift", "pages", "write"]
