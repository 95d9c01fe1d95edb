"""The rules, stage by stage: the sentence, the conditions in words, the source, the cases."""

from app.book.cases import in_words
from app.book.conditions import of_rule
from app.book.document import Code, Facts, Paragraph, Section, Text, listed
from app.book.fields import Pair, rest
from app.book.groups import Group
from app.book.marks import MARKS, RESULTS, STATUSES, told
from app.book.material import Material
from app.book.names import anchor
from app.knowledge.records import RuleRecord

TOLD = frozenset(
    {
        "id",
        "label",
        "stage",
        "status",
        "evidence",
        "why",
        "all_of",
        "any_of",
        "none_of",
        "at_least",
        "open_of",
        "flag",
        "level",
        "mechanism",
        "grade",
        "settled",
        "concludes",
        "safety",
        "result",
        "concerns",
    }
)


def rules(material: Material) -> Section:
    """Every rule, in the order in which they are evaluated."""
    by_id = {rule.id: rule for rule in material.source.rules}
    parts = [_stage(group, by_id, material) for group in material.groups("RuleRecord", list(by_id))]
    intro = (
        "Rules are evaluated once, from the first to the last; a rule uses findings and rules "
        "above it. It holds, fails, or stays open while something it needs is not known."
    )
    return Section("rules", "Rules", (Paragraph((intro,)),), tuple(parts))


def _stage(group: Group, by_id: dict[str, RuleRecord], material: Material) -> Section:
    about = (Paragraph((group.about,)),) if group.about else ()
    rules_ = tuple(_rule(by_id[id_], group, material) for id_ in group.ids)
    return Section(f"rules-{group.anchor}", group.title, about, rules_)


def _rule(rule: RuleRecord, group: Group, material: Material) -> Section:
    pairs: list[Pair] = [
        *of_rule(rule, material.names),
        *_consequence(rule, material),
        *rest(rule, TOLD, material.names),
        ("Status", (told(rule.status, STATUSES),)),
        ("Source", _sources(rule, material)),
        ("Review", (material.review(group.file),)),
        *_users(rule, material),
    ]
    cases = material.cases.get(rule.id)
    if cases:
        pairs.append(("Cases", in_words(cases, material.names)))
    return Section(
        anchor("rule", rule.id),
        f"{rule.id}: {rule.label}",
        (Paragraph((rule.why,)), Facts(tuple(pairs))),
    )


def _consequence(rule: RuleRecord, material: Material) -> list[Pair]:
    names = material.names
    pairs: list[Pair] = []
    if rule.level:
        flag: Text = (" for ", *names.link("flag", rule.flag)) if rule.flag else ()
        pairs.append(("Then", (f"the gate is at least {rule.level}", *flag)))
    elif rule.flag:
        pairs.append(("Belongs to", names.link("flag", rule.flag)))
    if rule.mechanism:
        pairs.append(("Then", (f"the {rule.mechanism} grade is {rule.grade}",)))
    if rule.result:
        whom = listed([_concerned(name, material) for name in rule.concerns], "; ")
        result = told(rule.result, RESULTS)
        pairs.append(("Then", (f"safety {rule.safety}: {result}, for ", *(whom or ("everyone",)))))
    if rule.settled:
        pairs.append(("Settled", ("no answer to an open question takes it back",)))
    if rule.concludes:
        pairs.append(("Worth asking", ("a question that could change it is worth asking",)))
    return pairs


def _concerned(name: str, material: Material) -> Text:
    """An activity, or a family of activities."""
    if name in material.source.interventions:
        return material.names.link("intervention", name)
    return (f"every activity of the family {name}",)


def _sources(rule: RuleRecord, material: Material) -> Text:
    """Each with the mark that says how it was verified."""
    cited: list[Text] = []
    for id_ in rule.evidence:
        citation = material.source.citations.get(id_)
        mark = f" [{told(citation.mark, MARKS)}]" if citation is not None else ""
        cited.append((*material.names.link("evidence", id_), mark))
    return listed(cited, "; ") or ("none",)


def _users(rule: RuleRecord, material: Material) -> list[Pair]:
    """The rules and the rows of the plan that lean on it."""
    names = material.names
    pairs: list[Pair] = []
    users = names.users.get(rule.id, ())
    if users:
        pairs.append(("Used by", names.links("rule", list(users))))
    placed = [p.activity for p in material.source.placements if p.rule == rule.id]
    if placed:
        activities = list(dict.fromkeys(placed))
        pairs.append(("Places", names.links("intervention", activities)))
    levels = [
        (id_, level)
        for id_, driver in material.source.drivers.items()
        for level, rule_id in driver.levels.items()
        if rule_id == rule.id
    ]
    pairs += [
        ("Then", (*names.link("driver", id_), f" is at least at level {level}"))
        for id_, level in levels
    ]
    answered = [name for name, i in material.source.inputs.items() if i.answered_by == rule.id]
    pairs += [("Answers", (Code(name),)) for name in answered]
    return pairs
