import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.ehr.origins import NotAnAddress, listed, next_page, place, secure

LISTED = [place("https://ehr.example/fhir"), place("http://127.0.0.1:8091/fhir")]
BASE = place("https://ehr.example/fhir")
CURRENT = "https://ehr.example/fhir/Condition?patient=p1"


@pytest.mark.parametrize(
    "text",
    [
        "https://ehr.example/fhir",
        "https://ehr.example/fhir/",
        "https://ehr.example/fhir//",
        "https://EHR.Example/fhir",
        "HTTPS://ehr.example:443/fhir",
        "http://127.0.0.1:8091/fhir/",
    ],
)
def test_a_listed_server_is_known_in_every_spelling(text: str) -> None:
    assert listed(text, LISTED) in LISTED


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ehr.example/fhir",
        "http://ehr.example/fhir",
        "https://ehr.example",
        "https://ehr.example/FHIR",
        "https://ehr.example/fhir/r4",
        "https://ehr.example/fhir2",
        "https://ehr.example:8443/fhir",
        "https://ehr.example./fhir",
        "https://evil.example/fhir",
        "https://ehr.example.evil.example/fhir",
        "https://ehr.example@evil.example/fhir",
        "https://u:p@ehr.example/fhir",
        "https://ehr.example/fhir?x=1",
        "https://ehr.example/fhir#x",
        "https://ehr.example/x/../fhir",
        "https://ehr.example/%2e%2e/fhir",
        "https://ehr.example\\@evil.example/fhir",
        "https://ehr.example/fhir\r\nHost: evil.example",
        "https://ehr.example /fhir",
        "http://localhost:8091/fhir",
        "http://127.1:8091/fhir",
        "http://2130706433:8091/fhir",
        "http://[::ffff:127.0.0.1]:8091/fhir",
        "file:///etc/passwd",
        "ftp://ehr.example/fhir",
        "https://ehr.example:99999/fhir",
        "https://ehr.example:port/fhir",
        "https://[::1/fhir",
        "https://ehr.example/" + "a" * 3000,
    ],
)
def test_what_is_not_listed_to_the_letter_is_not_asked(text: str) -> None:
    assert listed(text, LISTED) is None


@pytest.mark.parametrize(
    ("text", "is_fine"),
    [
        ("https://ehr.example/fhir", True),
        ("http://127.0.0.1:8091/fhir", True),
        ("http://localhost/fhir", True),
        ("http://[::1]:8091/fhir", True),
        ("http://ehr.example/fhir", False),
        ("http://10.0.0.1/fhir", False),
        ("http://127.1/fhir", False),
    ],
)
def test_plain_http_goes_to_this_machine_only(text: str, is_fine: bool) -> None:
    assert secure(text, is_http_allowed=True) == place(text)
    if is_fine:
        secure(text, is_http_allowed=False)
    else:
        with pytest.raises(NotAnAddress, match="http"):
            secure(text, is_http_allowed=False)


def test_an_ipv6_address_has_one_spelling() -> None:
    assert place("https://[0:0:0:0:0:0:0:1]:443/fhir") == place("https://[::1]/fhir")


@pytest.mark.parametrize(
    ("link", "wanted"),
    [
        ("https://ehr.example/fhir?page=2", "https://ehr.example/fhir?page=2"),
        ("https://EHR.example:443/fhir/Condition?p=2", "https://ehr.example/fhir/Condition?p=2"),
        ("?patient=p1&page=2", "https://ehr.example/fhir/Condition?patient=p1&page=2"),
        ("https://ehr.example/fhir/x#y", "https://ehr.example/fhir/x"),
        ("https://ehr.example/other?page=2", None),
        ("https://ehr.example/fhirs?page=2", None),
        ("https://ehr.example/fhir/../admin", None),
        ("https://ehr.example/fhir/%2e%2e/admin", None),
        ("http://ehr.example/fhir?page=2", None),
        ("https://ehr.example:8443/fhir?page=2", None),
        ("https://evil.example/fhir?page=2", None),
        ("//evil.example/fhir?page=2", None),
        ("https://ehr.example@evil.example/fhir", None),
        ("http://169.254.169.254/latest", None),
    ],
)
def test_a_next_page_lies_within_the_server(link: str, wanted: str | None) -> None:
    """CH-23: within the same origin and below the same base."""
    assert next_page(BASE, CURRENT, link) == wanted


PIECES = ["https:", "http:", "//", "/", "fhir", "ehr.example", "evil", "@", ":", "..", "\\", "?"]
PIECES += ["#", "%2e", "%2f", ".", "\t", "[::1]", "443", "é", "&a=b"]


@given(st.lists(st.sampled_from(PIECES), max_size=9).map("".join) | st.text(max_size=40))
def test_no_link_leads_anywhere_else_as_httpx_reads_it(link: str) -> None:
    found = next_page(BASE, CURRENT, link)

    if found is not None:
        read = httpx.URL(found)
        assert (read.scheme, read.host, read.port, read.userinfo) == (
            "https",
            "ehr.example",
            None,
            b"",
        )
        assert read.raw_path.startswith((b"/fhir/", b"/fhir?")) or read.raw_path == b"/fhir"
        assert not {b"..", b"."} & set(read.raw_path.partition(b"?")[0].split(b"/"))
