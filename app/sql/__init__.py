"""The history in SQL: tables, the journal (the only writer), queries, verification."""
