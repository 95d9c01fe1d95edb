"""Our words for the codes that the clinical content does not explain itself: display, definition.

The codes are those of contract §1. Where the content names a code (findings, rules, red flags,
interventions, goals), its label wins over the display given here.
"""

Words = dict[str, tuple[str, str]]

MECHANISM: Words = {
    "nociceptive": (
        "Nociceptive",
        "Pain from tissue that is irritated or injured, with nerves that work as they should.",
    ),
    "neuropathic": (
        "Neuropathic",
        "Pain from a lesion or disease of the nerves that carry sensation, such as a nerve root.",
    ),
    "nociplastic": (
        "Nociplastic",
        "Pain from altered processing of pain, not entirely explained by tissue or nerve damage.",
    ),
    "mixed": ("Mixed", "More than one mechanism is established; the components name them."),
    "indeterminate": (
        "Indeterminate",
        "Everything that matters was asked, and no mechanism is established.",
    ),
    "insufficient-data": ("Insufficient data", "A key finding is open, so nothing is concluded."),
    "not-applicable": ("Not applicable", "The rules are not for this person or this pain."),
    "withheld": ("Withheld", "A red flag comes first: the mechanism is not judged until then."),
}

GRADE: Words = {
    "none": ("None", "Nothing speaks for this mechanism."),
    "excluded": ("Excluded", "A known finding rules this mechanism out."),
    "not-supported": ("Not supported", "The findings known speak against this mechanism."),
    "screen-positive": (
        "Screen positive",
        "A questionnaire points to this mechanism; that alone does not establish it.",
    ),
    "suspected": ("Suspected", "Some of the findings are there, a deciding one is open."),
    "suggested": ("Suggested", "One part of the pattern of this mechanism is there."),
    "possible": ("Possible", "The conditions for the lowest consensus grade are met."),
    "supported": ("Supported", "The pattern of nociceptive pain is there as a whole."),
    "probable": ("Probable", "Further findings, by examination or history, support the mechanism."),
    "definite": ("Definite", "A test confirms the lesion or disease behind the pain."),
}

CERTAINTY: Words = {
    "low": ("Low", "Rests on what was said alone, or on part of the pattern."),
    "low-moderate": ("Low to moderate", "The lowest grade that establishes a mechanism."),
    "moderate": ("Moderate", "Examination or further history supports the conclusion."),
    "high": ("High", "A confirming test supports the conclusion."),
}

GATE_LEVEL: Words = {
    "emergency": ("Emergency", "To be assessed the same day; it replaces the plan."),
    "urgent": ("Urgent", "To be assessed by a specialist within days; it replaces the plan."),
    "refer": ("Refer", "To be checked by a clinician first; a reduced plan goes on beside it."),
    "watch": ("Watch", "To be asked again at the review; the plan goes on."),
    "clear": (
        "No red flag reported",
        "Every question of the screen was answered, none raised a flag.",
    ),
    "not-screened": ("Not screened", "A question of the screen is open: nothing can be said yet."),
}

RED_FLAG: Words = {
    "cauda-equina": (
        "Cauda equina syndrome",
        "Compression of the nerve roots to bladder, bowel, genitals and legs.",
    ),
    "motor-deficit": (
        "Severe or progressive motor deficit, or cord signs",
        "Marked or growing weakness of a leg, or signs that the spinal cord is affected.",
    ),
    "fracture": ("Spinal fracture", "A vertebra may be broken, by injury or by fragile bone."),
    "malignancy": ("Malignancy", "A tumour of the spine or a metastasis may cause the pain."),
    "infection": ("Spinal infection", "An infection of a disc, a vertebra or the epidural space."),
    "inflammatory": (
        "Inflammatory back pain",
        "The pattern of axial spondyloarthritis.",
    ),
    "aortic": ("Aortic aneurysm or dissection", "The pain may come from the aorta."),
    "self-harm": ("Risk of self-harm", "Thoughts of being better off dead, or of self-harm."),
}

DRIVER: Words = {
    "depression": ("Depression", "Low mood or loss of interest that keeps the pain going."),
    "anxiety": ("Anxiety", "Worry or tension that keeps the pain going."),
    "catastrophising": ("Catastrophising", "Expecting the worst of the pain."),
    "fear-avoidance": ("Fear avoidance", "Keeping away from movement for fear of pain or damage."),
    "low-self-efficacy": ("Low self-efficacy", "Little trust in being able to act despite pain."),
    "prognostic-risk": ("Prognostic risk", "A screening tool foretells a slow recovery."),
    "sleep": ("Sleep", "Sleep too short, broken or not restoring."),
    "disability": ("Disability", "Daily life is limited by the pain."),
    "pain-intensity": ("Pain intensity", "The pain itself is strong."),
    "central-sensitivity": ("Central sensitivity", "Oversensitivity beyond the painful area."),
    "widespread-pain": ("Widespread pain", "Pain in many parts of the body."),
    "inactivity": ("Inactivity", "Less movement in a week than health asks for."),
    "tobacco": ("Tobacco", "Current smoking."),
    "obesity": ("Obesity", "A body weight that burdens health."),
    "work": ("Work", "Weeks off work, or a barrier at the workplace."),
    "social": ("Social", "Loneliness, or help in daily life that is lacking."),
    "iatrogenic": ("Iatrogenic", "Treatments done to the person that have not helped."),
    "long-term-opioid": ("Long-term opioid", "An opioid taken for weeks without a break."),
}

ACTIVITY_STAGE: Words = {
    "safety": ("Safety", "What has to be safe before anything else; does not count as a burden."),
    "foundation": ("Foundation", "What suits everyone with this pain."),
    "mechanism": ("Mechanism", "What the mechanism of the pain asks for."),
    "driver": ("Driver", "What answers a driver that keeps the pain going."),
    "symptom-option": ("Symptom option", "An option for relief beside the rest, never alone."),
    "escalation": ("Escalation", "Assessment or care beyond what is offered first."),
    "next-step": ("Next step", "Waits for its trigger, such as room in the plan."),
    "do-not": ("Do not", "What should not be done, with the reason."),
    "review": ("Review", "When the plan is looked at again."),
}

DERIVATION: Words = {
    "red-flag-gate": (
        "Red-flag gate",
        "The level of the red-flag gate, with a part for each flag.",
    ),
    "pain-mechanism-phenotype": (
        "Pain mechanism phenotype",
        "The mechanism concluded, as a working hypothesis, with its grades.",
    ),
    "pain-drivers": ("Pain drivers", "What keeps the pain going, each from 0 (absent) to 3."),
    "certainty": ("Certainty", "How sure the conclusion is."),
    "neuropathic-grade": ("Neuropathic grade", "How far the evidence for neuropathic pain goes."),
    "nociplastic-grade": ("Nociplastic grade", "How far the evidence for nociplastic pain goes."),
    "nociceptive-support": ("Nociceptive support", "How far nociceptive pain is supported."),
    "component-mechanism": (
        "Component mechanism",
        "One of the mechanisms of mixed pain, the leading one first where one leads.",
    ),
    "second-opinion": (
        "Second opinion",
        "What a rule that uses questionnaires alone would conclude; it changes nothing.",
    ),
    "suspected": ("Suspected", "True when the mechanism is suspected and not established."),
    "nociceptive-features": (
        "Nociceptive features",
        "Whether features of nociceptive pain stand beside the mechanism.",
    ),
}

GOAL: Words = {
    "G-1": ("Function", "Do more in daily life, by a disability or interference score."),
    "G-2": ("Pain", "Less pain, by a numeric rating."),
    "G-3": ("Activity", "More movement in a week."),
    "G-4": ("Sleep", "Better sleep, by an insomnia or sleep score."),
    "G-5": ("Mood", "Better mood or less anxiety, by PHQ-9 or GAD-7."),
    "G-6": ("Beliefs and fear", "Less fear, more trust in acting despite pain."),
    "G-7": ("Participation", "Take part again in what matters, in the person's own words."),
    "G-8": ("Opioid safety", "A dose that falls at the agreed rate, and naloxone at home."),
}

EVIDENCE_GRADE: Words = {
    "high": ("High", "The source, or its reviewers, call the certainty of the evidence high."),
    "moderate": ("Moderate", "The source, or its reviewers, call it moderate."),
    "low": ("Low", "The source, or its reviewers, call it low."),
    "very-low": ("Very low", "The source, or its reviewers, call it very low."),
    "not-graded": ("Not graded", "No grade of certainty was read for this statement."),
}

EVIDENCE_MARK: Words = {
    "V": ("Verified", "Read in the source that is named."),
    "V2": ("Verified second-hand", "Read in a page that reports the source."),
    "C": ("Computed", "Computed by us from public data."),
    "R": ("Recalled", "General knowledge that was not checked; a clinician must check it."),
    "J": ("Judgement", "Our own judgement, said openly."),
}

INSTRUMENT_SCORE: Words = {
    "paindetect-total": ("painDETECT total", "Total of painDETECT, -1 to 38."),
    "dn4-total": ("DN4 total", "Total of the DN4 with examination, 0 to 10."),
    "dn4-interview-total": (
        "DN4 interview total",
        "Total of the seven interview items of the DN4.",
    ),
    "s-lanss-total": ("S-LANSS total", "Total of the S-LANSS, 0 to 24."),
    "step-result": ("StEP result", "Result of the Standardised Evaluation of Pain."),
    "csi-total": ("CSI total", "Total of the Central Sensitization Inventory, part A."),
    "csi9-total": ("CSI-9 total", "Total of the nine-item Central Sensitization Inventory."),
    "wpi": ("Widespread Pain Index", "Number of painful areas of the fibromyalgia criteria."),
    "sss": ("Symptom Severity Scale", "Severity of symptoms of the fibromyalgia criteria."),
    "fs-total": (
        "Fibromyalgia severity total",
        "Widespread Pain Index plus Symptom Severity Scale.",
    ),
    "pcs-total": ("PCS total", "Total of the Pain Catastrophizing Scale."),
    "tsk17-total": ("TSK-17 total", "Total of the Tampa Scale of Kinesiophobia, 17 items."),
    "tsk11-total": ("TSK-11 total", "Total of the Tampa Scale of Kinesiophobia, 11 items."),
    "fabq-pa": ("FABQ physical activity", "Fear-avoidance beliefs about physical activity."),
    "fabq-work": ("FABQ work", "Fear-avoidance beliefs about work."),
    "pseq-total": ("PSEQ total", "Total of the Pain Self-Efficacy Questionnaire."),
    "pseq2-total": ("PSEQ-2 total", "Total of the two-item Pain Self-Efficacy Questionnaire."),
    "isi-total": ("ISI total", "Total of the Insomnia Severity Index."),
    "psqi-total": ("PSQI total", "Global score of the Pittsburgh Sleep Quality Index."),
    "rmdq-total": ("RMDQ total", "Total of the Roland-Morris Disability Questionnaire, 0 to 24."),
    "ompsq-sf-total": ("OMPSQ short form total", "Total of the Orebro questionnaire, short form."),
    "hads-anxiety": ("HADS anxiety", "Anxiety subscale of the HADS."),
    "hads-depression": ("HADS depression", "Depression subscale of the HADS."),
    "nih-rtf-impact": ("NIH task force impact score", "Impact of chronic low back pain."),
}
