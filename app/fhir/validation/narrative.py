"""The XHTML of a narrative: well-formed, only what R4 allows, nothing that runs (txt-1, txt-2)."""

import re
from html.entities import html5
from xml.etree import ElementTree as ET

XHTML = "{http://www.w3.org/1999/xhtml}"
ELEMENTS = frozenset(
    """
    a abbr acronym b big blockquote br caption cite code col colgroup dd dfn div dl dt em h1
    h2 h3 h4 h5 h6 hr i img li ol p pre q samp small span strong sub sup table tbody td
    tfoot th thead tr tt ul var
    """.split()
)
ATTRIBUTES = frozenset(
    """
    abbr accesskey align alt axis border cellhalign cellpadding cellspacing cellvalign char
    charoff charset cite class colspan compact coords dir frame headers height href hreflang
    hspace id lang longdesc name nowrap rel rev rowspan rules scope shape span src start
    style summary tabindex title type valign value vspace width
    """.split()
)
XML_LANG = "{http://www.w3.org/XML/1998/namespace}lang"
ALL_ELEMENTS = frozenset(f"{XHTML}{name}" for name in ELEMENTS)
NAMED = re.compile(r"&([A-Za-z][A-Za-z0-9]*);")
KEPT = frozenset({"amp", "lt", "gt", "quot", "apos"})
RUNS = re.compile(r"\s*(?:javascript:|vbscript:|data:\s*text/)", re.IGNORECASE)


def fault(div: str) -> str:
    """What is wrong with it, empty when nothing is."""
    if "<!DOCTYPE" in div or "<!ENTITY" in div:
        return "declares a document type"
    try:
        text = NAMED.sub(_character, div) if "&" in div else div
        root = ET.fromstring(text)  # noqa: S314  (no DTD can be declared)
    except ET.ParseError:
        return "is not well-formed XHTML"
    if root.tag != f"{XHTML}div":
        return "is no div in the XHTML namespace"
    for element in root.iter():
        # As it always was, an element of no namespace passes under an allowed name.
        if element.tag not in ALL_ELEMENTS and element.tag not in ELEMENTS:
            name = str(element.tag).removeprefix(XHTML)
            return f"holds the element {name[:32]!r}, which is not allowed (txt-1)"
        for attribute, value in element.attrib.items():
            if attribute not in ATTRIBUTES and attribute != XML_LANG:
                return f"holds the attribute {attribute[:32]!r}, which is not allowed (txt-1)"
            if attribute in ("href", "src") and RUNS.match(value):
                return "holds a link that runs something"
    # txt-2 wants text; HL7's own examples hold white space alone, so only nothing is refused.
    if not any(root.itertext()) and root.find(f".//{XHTML}img") is None:
        return "is empty (txt-2)"
    return ""


def _character(match: re.Match[str]) -> str:
    if match[1] in KEPT:
        return match[0]
    return html5.get(f"{match[1]};", match[0])
