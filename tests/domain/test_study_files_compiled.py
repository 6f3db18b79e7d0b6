"""The compiled read models of the five studies, by exact values."""

from __future__ import annotations

from decimal import Decimal
from functools import cache
from pathlib import Path

import pytest

from capture.definition.building import build_forms
from capture.definition.shapes import FormSet, Limits
from safety.definition.building import build_safety
from safety.definition.shapes import SafetyPlan
from seeds.loader.hashing import text_of
from seeds.loader.loading import load_study
from trials.definition.building import build_trial
from trials.definition.shapes import TrialDefinition
from trials.records.domain.dates import PartialDate
from trials.records.domain.expressions import NOT_DONE, UNKNOWN, MappingContext, MappingRow

STUDIES = Path(__file__).resolve().parents[2] / "seeds" / "studies"
NAMES = ("ccar168", "gmg-keyboard", "scar02", "ucart-neuro", "ucart-rheum")
SAFETY_SET = {
    "CONSENT", "DM", "MH", "CM", "VS", "PE", "ECOG", "HEM", "CHEM", "URINE", "PREG", "LDP", "INF", "PK", "BCELL",
    "AE", "CRS", "ICANS", "DEV", "EOS", "DEATH",
}  # fmt: skip


@cache
def text(name: str) -> str:
    loaded = load_study(STUDIES / name)
    assert [str(problem) for problem in loaded.problems] == []
    assert loaded.document is not None
    return text_of(loaded.document)


@cache
def trial(name: str) -> TrialDefinition:
    return build_trial(text(name))


@cache
def forms(name: str) -> FormSet:
    return build_forms(text(name))


@cache
def safety(name: str) -> SafetyPlan:
    return build_safety(text(name))


def expected(name: str, visit: str, *populations: str) -> list[str]:
    return [each.code for each in forms(name).expected_forms(visit, populations) if each.required]


@pytest.mark.parametrize("name", NAMES)
def test_each_study_loads_without_a_problem_and_has_the_safety_set_of_forms(name: str) -> None:
    assert set(forms(name).forms) >= SAFETY_SET
    assert trial(name).oid


@pytest.mark.parametrize("name", NAMES)
def test_day_minus_1_may_be_held_on_day_minus_2_and_never_on_the_day_of_the_infusion(name: str) -> None:
    baseline = trial(name).visit("D-1")
    assert baseline is not None
    assert (baseline.target, baseline.opens, baseline.closes) == (-1, -2, -1)


@pytest.mark.parametrize("name", NAMES)
def test_windows_of_days_and_months_are_those_of_the_protocol_table(name: str) -> None:
    table = {
        "D0": (0, 0, 0), "D1": (1, 1, 1), "D4": (4, 3, 5), "D7": (7, 6, 8), "D10": (10, 9, 11),
        "D14": (14, 12, 16), "D21": (21, 19, 23), "D28": (28, 25, 31), "M2": (61, 54, 68), "M3": (91, 84, 98),
        "M6": (183, 169, 197), "M9": (274, 260, 288), "M12": (365, 351, 379),
        "M18": (548, 518, 578), "M24": (730, 700, 760),
    }  # fmt: skip
    last = "M12" if name == "ucart-neuro" else "M24"
    wanted = {code: days for code, days in table.items() if name != "ucart-neuro" or code not in {"M18", "M24"}}
    found = {v.code: (v.target, v.opens, v.closes) for v in trial(name).visits if v.code in table}
    assert found == wanted
    assert trial(name).visit("M1") is trial(name).visit("D28")
    assert safety(name).collect_until == last


def test_ranges_and_visits_without_days_have_no_target() -> None:
    visits = {v.code: (v.kind, v.target, v.opens, v.closes) for v in trial("scar02").visits if v.target is None}
    assert visits == {
        "SCR": ("scheduled", None, -28, -6),
        "APH": ("scheduled", None, -60, -10),
        "LD": ("scheduled", None, -5, -3),
        "UNS": ("unscheduled", None, None, None),
        "EOS": ("end", None, None, None),
    }


def test_visits_stand_in_the_order_of_the_file_and_are_numbered_from_1() -> None:
    visits = trial("scar02").visits
    assert [v.ordinal for v in visits] == list(range(1, len(visits) + 1))
    assert [v.code for v in visits] == (
        [
            "SCR",
            "APH",
            "LD",
            "D-1",
            "D0",
            "D1",
            "D4",
            "D7",
            "D10",
            "D14",
            "D21",
            "D28",
            "M2",
            "M3",
            "M6",
            "M9",
            "M12",
            "M18",
            "M24",
            "UNS",
            "EOS",
        ]
    )
    assert [v.label for v in visits if v.code in {"D-1", "D14", "M6"}] == ["Baseline", "Day 14", "Month 6"]


def test_schedule_s_of_scar02_is_the_eleven_visits_that_the_source_states() -> None:
    assert trial("scar02").sets["S"] == ("D-1", "D14", "D21", "D28", "M2", "M3", "M6", "M9", "M12", "M18", "M24")


def test_forms_of_scar02_by_visit_and_condition() -> None:
    everyone = ["VS", "PE", "HEM", "CHEM", "URINE", "PK", "BCELL", "ESR", "IG", "AUTOAB", "HAQ"]
    assert expected("scar02", "D14") == everyone
    assert expected("scar02", "D14", "SLE") == [*everyone, "SLEDAI", "PGA", "BILAG"]
    assert expected("scar02", "D14", "RA") == [*everyone, "JOINTS", "VAS"]
    assert expected("scar02", "D0", "SLE") == ["PROD", "INF", "VS", "PE", "HEM", "CHEM", "PK"]
    assert expected("scar02", "D0", "SLE", "childbearing") == ["PROD", "INF", "VS", "PE", "HEM", "CHEM", "PK", "PREG"]
    assert expected("scar02", "D4", "SLE") == ["VS", "PE", "HEM", "CHEM"]
    assert expected("scar02", "NOWHERE") == []


def test_kinetics_of_scar02_are_offered_in_the_first_days_and_never_missed_there() -> None:
    offered = {each.code: each.required for each in forms("scar02").expected_forms("D7", ["SLE"])}
    assert offered["PK"] is False
    assert {each.code: each.required for each in forms("scar02").expected_forms("D14", [])}["PK"] is True


def test_logs_and_the_form_that_stands_outside_visits() -> None:
    logs = forms("scar02").log_forms(["SLE"])
    assert [each.code for each in logs] == ["MH", "PRIORTX", "CM", "AE", "CRS", "ICANS", "DEV"]
    assert [(each.code, each.required) for each in forms("scar02").once_forms([])] == [("DEATH", False)]
    assert [each.code for each in forms("ucart-neuro").log_forms(["NMOSD"])][-1] == "RELAPSE"
    assert "RELAPSE" not in [each.code for each in forms("ucart-neuro").log_forms(["MS"])]
    assert forms("scar02").forms["AE"].is_log
    assert forms("scar02").forms["DEATH"].once


def test_the_neurology_study_has_two_products_and_three_ladders() -> None:
    study = trial("ucart-neuro")
    assert {code: p.universal for code, p in study.products.items()} == {"BCMA-U": True, "CD19-U": True}
    assert {code: arm.products for code, arm in study.arms.items()} == {
        "BCMA": ("BCMA-U",),
        "CD19": ("CD19-U",),
        "BOTH": ("CD19-U", "BCMA-U"),
    }
    one, three, six = Decimal(1), Decimal(3), Decimal(6)
    ladders = {arm: [step.amounts for step in steps] for arm, steps in study.dose.ladders.items()}
    assert ladders == {
        "BCMA": [{"BCMA-U": one}, {"BCMA-U": three}, {"BCMA-U": six}],
        "CD19": [{"CD19-U": one}, {"CD19-U": three}, {"CD19-U": six}],
        "BOTH": [{"CD19-U": amount, "BCMA-U": amount} for amount in (one, three, six)],
    }
    assert [step.number for step in study.dose.ladders["BOTH"]] == [1, 2, 3]
    assert study.cap == 25
    assert study.universal("BOTH")
    assert not trial("scar02").universal("MAIN")


@pytest.mark.parametrize(
    ("name", "cap", "sites", "levels"),
    [
        ("ccar168", None, (2, None), ["0.5", "1", "1.5"]),
        ("gmg-keyboard", 12, (1, 1), ["0.5", "1.5", "5"]),
        ("scar02", 18, (1, 1), ["0.5", "1", "2", "3"]),
        ("ucart-rheum", None, (1, None), ["1", "3"]),
    ],
)
def test_caps_sites_and_ladders_of_the_single_arm_studies(
    name: str, cap: int | None, sites: tuple[int, int | None], levels: list[str]
) -> None:
    study = trial(name)
    assert (study.cap, study.sites) == (cap, sites)
    (steps,) = study.dose.ladders.values()
    assert [str(amount) for step in steps for amount in step.amounts.values()] == levels
    assert study.dose.unit == "10*6 cells/kg"


def test_the_designs_are_3_plus_3_and_for_myasthenia_the_keyboard_with_its_published_margins() -> None:
    assert {trial(name).dose.design.method for name in NAMES if name != "gmg-keyboard"} == {"3+3"}
    design = trial("gmg-keyboard").dose.design
    assert (design.method, design.target, design.key) == (
        "keyboard",
        Decimal("0.30"),
        (Decimal("0.25"), Decimal("0.35")),
    )
    assert (design.overdose_above, design.overdose_from) == (Decimal("0.95"), 3)
    assert trial("scar02").dose.allowed == (Decimal("0.5"), Decimal(3))
    assert trial("scar02").dose.stagger.after_first_at_level == 14
    assert trial("scar02").dose.stagger.before_next_level is None


@pytest.mark.parametrize("name", NAMES)
def test_months_windows_ladders_cohorts_and_dlt_rules_carry_their_mark(name: str) -> None:
    study = trial(name)
    for visit in study.visits:
        if visit.code not in {"UNS", "EOS"}:
            assert study.marks_at(f"schedule.visits.{visit.code}.window"), visit.code
    for path in ("schedule.months", "dose.ladders", "dose.cohort", "dose.design", "dose.stagger", "dose.replace"):
        assert study.marks_at(path) or study.marks_at(f"{path}.method"), path
    for path in ("safety.dlt.rules.CRS4", "safety.dlt.evaluable", "safety.dlt.days after the last infusion"):
        assert study.marks_at(path), path
    assert study.marks_at("study.cap")


def test_the_nearest_mark_comes_first_and_a_stated_fact_takes_the_place_of_the_library_s_assumption() -> None:
    stated = trial("ccar168").marks_at("safety.dlt.days after the last infusion")
    assert [mark.kind for mark in stated] == ["stated"]
    collect = trial("ucart-neuro").marks_at("safety.collect.until")
    assert [(mark.kind, mark.path) for mark in collect] == [("stated", "collect.until"), ("assumed", "collect")]
    ocular = trial("gmg-keyboard").marks_at("forms.QMG.items.OCULAR")
    assert [mark.kind for mark in ocular] == ["assumed"]


def test_the_dlt_window_and_rules_are_those_of_the_protocol_default() -> None:
    plan = safety("scar02").dlt
    assert (plan.starts, plan.days_after_last) == ("first infusion", 28)
    assert [rule.name for rule in plan.rules] == ["CRS4", "CRS3", "ICANS3", "ORGAN", "BLOOD", "DEATH"]
    assert plan.rules_for("AE")[1].excepted == ("Lymphocyte count decreased",)
    assert [rule.name for rule in safety("ucart-neuro").dlt.rules_for("GVHD")] == ["GVHD2"]
    assert safety("scar02").dlt.rules_for("GVHD") == ()


def test_a_dlt_rule_answers_on_both_sides_of_its_limit() -> None:
    rule = safety("scar02").dlt.rules_for("CRS")[1].when
    for hours, answer in ((Decimal(72), False), (Decimal("72.5"), True)):
        assert rule.evaluate(MappingContext(times={(3, "hours"): hours})) is answer
    assert rule.evaluate(MappingContext()) is UNKNOWN


def test_reporting_clocks_and_stopping_rules() -> None:
    plan = safety("gmg-keyboard")
    assert (plan.serious.site_hours, plan.serious.fatal_days, plan.serious.other_days) == (24, 7, 15)
    assert [(rule.name, rule.per, rule.then) for rule in plan.stopping] == [
        ("DEATH", "study", "pause"),
        ("GRADE_4", "cohort", "pause"),
        ("TOO_TOXIC", "dose level", "stop"),
    ]


def test_an_item_carries_units_factors_ranges_and_reasons_for_a_blank() -> None:
    chem, vitals = forms("scar02").forms["CHEM"], forms("scar02").forms["VS"]
    assert chem.items["CREAT"].also == {"mg/dL": Decimal("88.4")}
    assert chem.items["ALT"].also == {"ukat/L": Decimal(60)}
    assert chem.items["CREAT"].units == ("umol/L", "mg/dL")
    assert (chem.items["ALT"].analyte, vitals.items["TEMP"].analyte) == ("ALT", "")
    assert (vitals.items["TEMP"].hard, vitals.items["TEMP"].soft) == (
        Limits(Decimal(30), Decimal(45)),
        Limits(Decimal(35), Decimal(40)),
    )
    assert vitals.items["TEMP"].unit_shown == "°C"
    assert vitals.items["TEMP"].nulls == ("ND", "NA", "UNK")
    assert vitals.items["TIME"].required is False


def test_groups_with_added_rows_fixed_rows_and_plain_groups() -> None:
    inf, joints, sledai = (forms("scar02").forms[code] for code in ("INF", "JOINTS", "SLEDAI"))
    assert inf.groups["INFUSIONS"].repeat == (1, 4)
    assert len(joints.rows_of("JOINTS")) == 68
    assert not sledai.groups["EIGHT"].repeats
    assert inf.items["DOSE"].repeats
    assert [each.code for each in inf.items["PRODUCT"].codes] == ["SCAR02"]
    assert sledai.items["CASTS"].weight == Decimal(4)


def test_a_form_knows_what_its_rules_read_from_elsewhere_and_in_which_order_it_calculates() -> None:
    found = {code: [str(r) for r in form.reads] for code, form in forms("scar02").forms.items() if form.reads}
    assert found == {
        "BCELL": ["BCELL.DEPLETED[D0:previous]"],
        "CHEM": ["VS.WEIGHT"],
        "INF": ["VS.WEIGHT[latest]"],
        "SLEDAI": ["HEM.PLT", "HEM.WBC", "VS.TEMP"],
        "VS": ["VS.HEIGHT[latest]", "VS.WEIGHT[previous]"],
    }
    assert forms("scar02").forms["SLEDAI"].derived == ("TOTAL", "CLINICAL")
    assert forms("gmg-keyboard").forms["MGADL"].derived == ("TOTAL", "OCULAR", "MINIMAL", "RESPONDER")


def test_a_score_that_this_version_does_not_compute_is_named_as_such() -> None:
    instrument = forms("scar02").forms["HAQ"].items["DI"].instrument
    assert instrument is not None
    assert (instrument.name, instrument.result, instrument.available) == ("HAQ_DI", "standard", False)
    assert forms("scar02").forms["HAQ"].items["DI"].derived


def test_a_check_stands_beside_the_item_that_its_rule_names_first() -> None:
    checks = {check.name: check for check in forms("scar02").forms["VS"].checks}
    assert (checks["DIA_BELOW_SYS"].on, checks["DIA_BELOW_SYS"].level) == ("DIABP", "hard")
    assert checks["WEIGHT_JUMP"].on == "WEIGHT"
    values = {("VS", "DIABP", ""): Decimal(80), ("VS", "SYSBP", ""): Decimal(80)}
    assert checks["DIA_BELOW_SYS"].when.evaluate(MappingContext(values=values)) is True
    assert (
        checks["DIA_BELOW_SYS"].when.evaluate(MappingContext(values={**values, ("VS", "SYSBP", ""): NOT_DONE}))
        is UNKNOWN
    )


@pytest.mark.parametrize(
    ("onset", "infused", "asked"),
    [
        ("2026-03-01", "2026-03-01", True),
        ("2026-03-02", "2026-03-01", False),
        ("2026-02-28", "2026-03-01", False),
        ("2026-03", "2026-03-01", True),
        ("2026-04", "2026-03-01", False),
        ("2026", "2026-03-01", True),
    ],
)
def test_an_adverse_event_asks_before_during_or_after_when_the_date_cannot_tell(
    onset: str, infused: str, asked: bool
) -> None:
    (rule,) = forms("scar02").forms["AE"].items["PHASE"].shown_by
    context = MappingContext(
        values={("AE", "START", ""): PartialDate.parse(onset)}, facts={"infused_on": PartialDate.parse(infused)}
    )
    assert rule.evaluate(context) is asked


def test_phase_is_not_asked_before_any_infusion_or_without_an_onset() -> None:
    (rule,) = forms("scar02").forms["AE"].items["PHASE"].shown_by
    assert rule.evaluate(MappingContext(values={("AE", "START", ""): PartialDate.parse("2026")})) is False
    assert rule.evaluate(MappingContext(facts={"infused_on": PartialDate.parse("2026-03-01")})) is False


def test_criteria_of_a_participant_are_those_of_everyone_and_of_the_own_disease() -> None:
    eligibility = trial("ucart-rheum").eligibility
    assert len(eligibility.criteria) == 30
    mine = [c.code for c in eligibility.criteria_for({"SSC"})]
    assert mine[:3] == ["C1", "C2", "C3A"]
    assert mine[-4:] == ["SSC1", "SSC2", "SSC3", "SSC45"]
    assert [c.code for c in trial("gmg-keyboard").eligibility.criteria_for(set(), "infusion")] == ["M9"]
    assert trial("gmg-keyboard").eligibility.gates == {"screening": "SCR", "baseline": "D-1", "infusion": "D0"}


def test_a_criterion_is_judged_by_the_option_of_the_policy_that_is_in_use() -> None:
    eligibility = trial("gmg-keyboard").eligibility
    assert eligibility.policies["mgfa_range"].use == "ordinal"
    tree = eligibility.definitions["mgfa_moderate"]
    assert (tree.how, tree.options) == ("policy mgfa_range", ("ordinal", "strict_a"))
    context = MappingContext(values={("MGFA", "CLASS", ""): "IIb"})
    assert tree.rule.evaluate(context) is True
    assert tree.parts[1].rule.evaluate(context) is False


def test_counts_over_the_log_of_prior_therapies_reach_across_forms() -> None:
    tree = trial("gmg-keyboard").eligibility.definitions["two_agents_failed"]
    rows = [MappingRow({"AGENT": "AZA"}), MappingRow({"AGENT": "MMF"})]
    context = MappingContext(
        values={("ELIG", "WEAKNESS", ""): True}, row_lists={("PRIORTX", "PRIORTX", ""): rows, ("PRIORTX", "", ""): rows}
    )
    assert tree.rule.evaluate(context) is True


def test_the_population_of_women_who_may_become_pregnant_reads_the_demographics_of_screening() -> None:
    rule = trial("scar02").populations["childbearing"]
    assert [str(reference) for reference in rule.references] == ["DM.WOCBP[SCR]"]
    assert rule.evaluate(MappingContext(values={("DM", "WOCBP", "SCR"): True})) is True
    assert rule.evaluate(MappingContext()) is UNKNOWN
    assert trial("scar02").given_populations(condition="SLE", arm="MAIN") == ("everyone", "SLE", "MAIN")


def test_outcomes_know_their_visits_and_diseases() -> None:
    outcome = forms("scar02").outcomes["S2"]
    assert (outcome.instrument, outcome.populations, outcome.level) == ("ACR_RESPONSE", ("RA",), "secondary")
    assert outcome.visits == ("D14", "D21", "D28", "M2", "M3", "M6", "M9", "M12", "M18", "M24")
    assert forms("ucart-neuro").outcomes["P3"].where is not None


def test_translations_are_looked_up_and_missing_ones_are_empty() -> None:
    assert forms("scar02").text("VS.TEMP", "zh-hans") == "体温"
    assert forms("scar02").text("SEX.F", "zh") == "女"
    assert forms("scar02").text("VS.RESP", "zh") == ""
    assert forms("scar02").text("VS.TEMP", "fr") == ""
