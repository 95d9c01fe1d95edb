"""The condition sets and opioid factors of the amendments, row by row against our content."""

import csv
import re
from pathlib import Path

import pytest

from app.domain.content import Content
from app.domain.content_parts import RecordCode
from tests.patients import knowledge

ICD, SNOMED = "http://hl7.org/fhir/sid/icd-10-cm", "http://snomed.info/sct"
AMENDMENT_14, AMENDMENT_23 = "14. ", "23. **Opioids**"
# What the amendment calls a set, and the input that its categories act as.
SETS = {
    "heart failure": "has-heart-failure",
    "ischaemic": "has-ischaemic-heart-disease",
    "stroke": "has-stroke-tia",
    "peripheral artery": "has-peripheral-artery-disease",
    "ulcer and bleed": "has-ulcer-or-gi-bleed",
    "liver": "has-liver-disease",
    "conduction and arrhythmia": "has-conduction-or-arrhythmia",
    "bipolar": "has-bipolar",
    "hyponatraemia": "has-hyponatraemia",
    "lung and sleep": "has-lung-or-sleep-apnoea",
    "bleeding": "has-bleeding-disorder",
    "inflammatory bowel": "has-inflammatory-bowel-disease",
    "alcohol": "has-alcohol-use-disorder",
}
RANGE = re.compile(r"([A-Z]\d+)(?:\.(\d+))?(?:-([A-Z]\d+)(?:\.(\d+))?)?")
# A verified condition of the list that no rule of safety is about, each with its reason.
BESIDE = {
    "K59.03": "constipation by a medicine: bowel care stands in every plan with an opioid (S-36)",
    "N18.30": "stage 3 goes by the measured eGFR (S-11), which every option needs",
    "N18.31": "stage 3 goes by the measured eGFR (S-11), which every option needs",
    "N18.32": "stage 3 goes by the measured eGFR (S-11), which every option needs",
    "N18.9": "kidney disease of no stated stage goes by the measured eGFR",
    "709044004": "kidney disease of no stated stage goes by the measured eGFR",
}


def paragraph(shared: Path, begins: str) -> str:
    text = (shared / "clinical" / "amendments.md").read_text(encoding="utf-8")
    return next(line for line in text.splitlines() if line.startswith(begins))


def sets_of(shared: Path) -> dict[str, list[str]]:
    """Each set by its name, a range written out as its categories."""
    told = paragraph(shared, AMENDMENT_14).split("not leaves:")[1].split(". A rule whose")[0]
    found = {}
    for part in told.split(";"):
        name, _, codes = part.strip().partition(next(iter(RANGE.finditer(part))).group(0)[:3])
        codes = part.strip()[len(name) :]
        found[name.strip()] = [c for written in codes.split(",") for c in categories(written)]
    return found


def categories(written: str) -> list[str]:
    match = RANGE.fullmatch(written.strip())
    assert match, written
    first, point, last, last_point = match.groups()
    if last is None:
        return [first if point is None else f"{first}.{point}"]
    letter, low, high = first[0], int(first[1:]), int(last[1:])
    if low == high:
        assert point is not None
        assert last_point is not None
        return [f"{first}.{n}" for n in range(int(point), int(last_point) + 1)]
    return [f"{letter}{n:02}" for n in range(low, high + 1)]


def rows_for(content: Content, system: str, code: str) -> list[RecordCode]:
    exact = content.record_codes.get((system, code), ())
    prefixed = [
        row
        for (of, begins), rows in content.record_prefixes.items()
        if of == system and code.startswith(begins)
        for row in rows
    ]
    return [*exact, *prefixed]


def test_every_category_of_every_set_acts(shared: Path) -> None:
    content = knowledge()
    told = sets_of(shared)

    assert told.keys() == SETS.keys()
    for name, codes in told.items():
        for code in codes:
            acting = {row.acts_as for row in rows_for(content, ICD, code)}
            assert SETS[name] in acting, f"{name}: {code} acts as {sorted(acting)}"


def test_no_category_beyond_the_set_acts_but_by_name(shared: Path) -> None:
    """What a set of ours has beyond the amendment is named here, so that nothing slips in."""
    content = knowledge()
    more = {}
    for name, codes in sets_of(shared).items():
        written = {
            code
            for table in (content.record_codes, content.record_prefixes)
            for (system, code), rows in table.items()
            if system == ICD and any(r.acts_as == SETS[name] for r in rows)
        }
        beyond = {c for c in written if not any(c.startswith(code) for code in codes)}
        if beyond:
            more[name] = beyond
    assert more == MORE


# A bypass or stent tells of an artery of the heart; S-13 names a past ulcer; guts bleed elsewhere.
# Viral hepatitis and other diseases of the liver may be what duloxetine must not meet: left open.
MORE: dict[str, set[str]] = {
    "ischaemic": {"Z95.1", "Z95.5"},
    "liver": {"B18", "K76", "K77"},
    "ulcer and bleed": set(
        "Z87.11 I85.01 I85.11 K22.11 K29.01 K29.21 K29.31 K29.41 K29.51 K29.61 K29.71 K29.81 "
        "K29.91 K31.811 K31.82 K55.21 K57.01 K57.11 K57.13 K57.21 K57.31 K57.33 K57.41 K57.51 "
        "K57.53 K57.81 K57.91 K57.93 K62.5".split()
    ),
}


def test_every_verified_condition_of_safety_acts_or_says_why_not(shared: Path) -> None:
    content = knowledge()
    with (shared / "clinical" / "codes.csv").open(encoding="utf-8", newline="") as file:
        rows = [r for r in csv.DictReader(file) if r["verified_in"].startswith("VERIFIED")]
    silent = {
        row["code"]
        for row in rows
        if row["use"] == "safety-condition" and not rows_for(content, row["system"], row["code"])
    }
    assert silent == BESIDE.keys()


@pytest.mark.parametrize("use", ["driver-lifestyle", "driver-social-work", "driver-sleep"])
def test_every_verified_driver_acts_or_says_why_not(shared: Path, use: str) -> None:
    content = knowledge()
    with (shared / "clinical" / "codes.csv").open(encoding="utf-8", newline="") as file:
        rows = [r for r in csv.DictReader(file) if r["verified_in"].startswith("VERIFIED")]
    silent = {
        row["code"]
        for row in rows
        if row["use"] == use
        and row["system"] in (ICD, SNOMED)
        and not rows_for(content, row["system"], row["code"])
    }
    assert silent == NO_DRIVER[use].keys()


NO_DRIVER = {
    "driver-lifestyle": {
        "238131007": "overweight is below the obesity that the driver begins at",
        "266919005": "never smoked says no",
        "8517006": "an ex-smoker does not smoke",
    },
    "driver-social-work": {"73595000": "stress is neither isolation nor a need that is unmet"},
    "driver-sleep": {"826113": "what poor sleep does to the pain is no degree of poor sleep"},
}


def test_the_opioid_factors_are_those_of_the_amendment(shared: Path) -> None:
    text = paragraph(shared, AMENDMENT_23)
    told = text.split("CDC 2022:")[1].split(";")[0]
    patch = re.compile(r"fentanyl patch \(micrograms an hour\) ([\d.]+)")
    plain = re.compile(r"(\w+) ([\d.]+)")
    factors = {"fentanyl": (patch.search(told) or pytest.fail(told)).group(1)}
    factors |= {m.group(1): m.group(2) for m in plain.finditer(patch.sub("", told))}
    ours = {name: str(factor.factor) for name, factor in knowledge().opioid_factors.items()}

    assert ours == factors
    assert {n for n, f in knowledge().opioid_factors.items() if f.unit == "ug/h"} == {"fentanyl"}
    assert "buprenorphine none" in text
    assert "buprenorphine" not in ours
