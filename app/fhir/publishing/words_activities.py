"""Our words for activities: those that this content does not hold yet, and meanings it leaves out.

The first part are ids of contract §1 that no content of this version proposes. The second gives a
definition to items of the catalogue that have no text for the patient, because this version offers
them to nobody.
"""

from app.fhir.publishing.words import Words

ACTIVITY_AHEAD: Words = {
    "ASK-03": (
        "Decide together with the patient",
        "A choice that depends on what the person wants.",
    ),
    "MED-01": ("Medicines review", "Every medicine taken is looked at for benefit and harm."),
    "SA-01": ("Bowel care", "Prevention of constipation beside an opioid."),
    "SA-02": ("Prescription-monitoring check", "A look into the register of controlled medicines."),
    "SA-03": ("Toxicology", "A drug test that was agreed with the person."),
    "SA-04": ("Opioid risk assessment", "An appraisal of the risk of misuse and overdose."),
}

ACTIVITY_MEANING: dict[str, str] = {
    "PS-04": "Learning to see the pain as a false alarm of the nervous system.",
    "PS-05": "Stepped care for low mood or anxiety, shared between clinicians.",
    "SL-01": "A short programme that changes habits and thoughts around sleep.",
    "SL-02": "Advice on sleep habits, and questions about sleep apnoea.",
    "MT-02": "Massage for a limited time, beside exercise.",
    "AC-01": "A course of needling, where the guideline in use advises it.",
    "MR-01": "A programme of several professions for body, mind and work.",
    "DR-01": "Help to reach a healthier weight, for general health.",
    "DR-02": "Help to stop smoking, for general health.",
    "DR-03": "Advice on diet, for general health.",
    "DR-04": "A test of vitamin D, and treatment of a deficiency only.",
    "DR-05": "Help to stay at work or to return to it.",
    "DR-06": "Help with loneliness and with unmet needs of daily life.",
    "DR-07": "A look at a long-term opioid, and a reduction by agreement where it harms.",
    "DR-08": "Naloxone at home, and teaching how to use it.",
    "RX-01": "An oral anti-inflammatory, lowest dose, for a short time.",
    "RX-02": "An anti-inflammatory or capsaicin on the skin.",
    "RX-03": "Duloxetine.",
    "RX-04": "A tricyclic antidepressant in a low dose.",
    "RX-05": "Gabapentin or pregabalin, by a specialist, for neuropathic pain only.",
    "RX-06": "A muscle relaxant that is no benzodiazepine.",
    "RX-07": "An opioid, started by a clinician as a last resort only.",
    "RX-08": "Paracetamol alone.",
    "IN-01": "Denervation of the nerves to the facet joints by radiofrequency.",
    "IN-02": "An injection into the epidural space, a facet or a sacroiliac joint.",
    "SU-01": "An opinion on an operation.",
}
