"""What the marks, the words for certainty and the choices mean."""

MARKS = {
    "V": "read in the source",
    "V2": "second-hand: read in another source that cites it",
    "C": "computed from public data",
    "R": "recalled, not read again",
    "J": "our own judgement",
}
STATUSES = {
    "consensus": "consensus of experts",
    "study": "from a study",
    "judgement": "our own judgement",
}
CHOICES = {
    "latest": "the latest answer counts; a clinician's finding beats the patient's of the same day",
    "gate": "a yes acts until a clinician says no later",
    "scored": "the latest answer counts, of one instant the highest",
    "record": "a yes stands as long as its source does; what is not listed says nothing",
}
RESULTS = {
    "block": "the activity is withheld",
    "caution": "the activity comes with a caution",
    "adjust": "the dose is adjusted",
    "inform": "the reason is told",
    "info": "the reason is told",
}
LEVELS = {"1": "mild", "2": "moderate", "3": "severe"}
LICENCES = {
    "SHIP": "item texts may be given, with the notice",
    "TOTAL": "totals and coded answers only; no item text is given",
}


def told(word: str, meanings: dict[str, str]) -> str:
    """The word with its meaning, where it has one."""
    return f"{word}: {meanings[word]}" if word in meanings else word
