"""Publishing versions, sites and their activation."""

from __future__ import annotations

from datetime import date

import pytest

from seeds.factories.trials import SCHEDULE, SYSTEM, MemberFactory, ParticipantFactory, SiteFactory, small_version
from trials.domain.roles import Role
from trials.models import Arm, DoseLevel, Site, SiteActivation, Study, StudyVersion
from trials.records.domain.errors import DomainError
from trials.records.models import AuditEvent
from trials.services.access import actor_of
from trials.services.publishing import publish_version
from trials.services.sites import activate_version, create_site, version_in_force

pytestmark = pytest.mark.django_db


def events() -> list[tuple[str, str]]:
    return list(AuditEvent.objects.order_by("seq").values_list("record_kind", "action"))


def test_the_first_publication_creates_study_version_arms_and_levels() -> None:
    version = small_version("SCAR")
    assert (version.number, version.revision, version.study.simulated) == (1, 1, True)
    assert list(DoseLevel.objects.order_by("number").values_list("number", "state")) == [
        (1, "open"),
        (2, "not_open"),
        (3, "not_open"),
    ]
    assert events() == [
        ("Study", "create"),
        ("StudyVersion", "publish"),
        ("Arm", "create"),
        ("DoseLevel", "create"),
        ("DoseLevel", "create"),
        ("DoseLevel", "create"),
    ]


def test_the_same_content_again_does_nothing() -> None:
    first = small_version("SCAR")
    before = events()
    assert small_version("SCAR").pk == first.pk
    assert events() == before
    assert StudyVersion.objects.get().revision == 1


def test_other_words_of_the_same_shape_replace_the_text_in_place() -> None:
    first = small_version("SCAR")
    second = small_version("SCAR", words="other labels")
    assert (second.pk, second.number, second.revision) == (first.pk, 1, 2)
    row = StudyVersion.objects.get()
    assert '"words": "other labels"' in row.document
    assert row.shape_hash == first.shape_hash
    assert row.content_hash != first.content_hash
    assert events()[-1] == ("StudyVersion", "publish text")


def test_another_shape_under_the_same_number_is_refused_and_nothing_is_written() -> None:
    first = small_version("SCAR")
    before = events()
    with pytest.raises(DomainError) as refused:
        small_version("SCAR", visits=SCHEDULE[:5])
    assert refused.value.codes == ("version_shape",)
    assert events() == before
    assert StudyVersion.objects.get().document == first.document


def test_another_shape_under_a_higher_number_is_a_new_version() -> None:
    first = small_version("SCAR")
    second = small_version("SCAR", number=2, visits=SCHEDULE[:5])
    assert second.pk != first.pk
    assert list(StudyVersion.objects.values_list("number", flat=True)) == [1, 2]
    assert DoseLevel.objects.filter(state="open").count() == 1


def test_a_lower_number_than_the_latest_is_refused() -> None:
    small_version("SCAR", number=3)
    with pytest.raises(DomainError) as refused:
        small_version("SCAR", number=2)
    assert refused.value.codes == ("version_number",)


def test_a_study_stays_simulated_or_real_for_good() -> None:
    small_version("SCAR", simulated=True)
    with pytest.raises(DomainError) as refused:
        small_version("SCAR", number=2, simulated=False)
    assert refused.value.codes == ("study_kind",)
    assert Study.objects.get().simulated is True
    assert StudyVersion.objects.count() == 1


def test_all_problems_of_a_publication_come_at_once() -> None:
    small_version("SCAR", number=2)
    with pytest.raises(DomainError) as refused:
        publish_version(
            oid="SCAR", title="", number=1, document="{}", content_hash="1", shape_hash="2", changes=" ",
            simulated=False, actor=SYSTEM,
        )  # fmt: skip
    assert refused.value.codes == ("study_kind", "version_number", "changes_missing")


def test_amounts_of_a_level_at_which_somebody_stands_are_not_rewritten() -> None:
    site = SiteFactory(oid="SCAR")
    level = DoseLevel.objects.select_related("arm").get(number=1)
    participant = ParticipantFactory(site=site, enrolled=True)
    assert participant.dose_level_id == level.pk
    with pytest.raises(DomainError) as refused:
        publish_version(
            oid="SCAR", title="", number=2, document="{}", content_hash="1", shape_hash="2", changes="New amounts",
            simulated=True, arms=[("MAIN", "Single arm", ["CART"])],
            dose_levels=[("MAIN", 1, {"CART": "0.7"}, level.unit)], actor=SYSTEM,
        )  # fmt: skip
    assert refused.value.codes == ("dose_level_in_use",)
    assert DoseLevel.objects.get(pk=level.pk).amounts == {"CART": "0.5"}
    assert StudyVersion.objects.count() == 1


def test_a_ladder_may_start_above_its_lowest_level() -> None:
    publish_version(
        oid="SCAR", title="T", number=1, document="{}", content_hash="1", shape_hash="2", changes="First",
        simulated=True, arms=[("A", "Arm A", ["X"]), ("B", "Arm B", ["Y"])],
        dose_levels=[(arm, number, {"X": str(number)}, "u") for arm in ("A", "B") for number in (1, 2, 3)],
        start=2, actor=SYSTEM,
    )  # fmt: skip
    opened = DoseLevel.objects.filter(state="open").values_list("arm__code", "number")
    assert sorted(opened) == [("A", 2), ("B", 2)]
    assert list(Arm.objects.order_by("position").values_list("code", flat=True)) == ["A", "B"]


def test_only_whoever_may_publish_publishes_and_makes_sites() -> None:
    site = SiteFactory()
    coordinator = actor_of(MemberFactory(site=site, role=Role.COORDINATOR))
    manager = actor_of(MemberFactory(site=site, role=Role.DATA_MANAGER, whole_study=True))
    given = {"code": "02", "name": "Second hospital", "time_zone": "Asia/Shanghai"}
    with pytest.raises(DomainError) as refused:
        create_site(site.study, actor=coordinator, **given)
    assert refused.value.kind == "forbidden"
    assert create_site(site.study, actor=manager, **given).code == "02"


def test_a_site_is_refused_with_everything_that_is_wrong() -> None:
    study = SiteFactory().study
    with pytest.raises(DomainError) as refused:
        create_site(study, code="a b", name=" ", time_zone="Mars/Base", actor=SYSTEM)
    assert refused.value.codes == ("site_code", "site_name", "time_zone")
    with pytest.raises(DomainError) as taken:
        create_site(study, code="01", name="Again", time_zone="Asia/Shanghai", actor=SYSTEM)
    assert taken.value.codes == ("site_code_taken",)
    assert Site.objects.count() == 1


def test_a_site_works_under_a_version_from_its_day_on() -> None:
    site = SiteFactory(oid="SCAR")
    second = small_version("SCAR", number=2, visits=SCHEDULE[:5])
    activate_version(site, second, from_date=date(2026, 3, 1), actor=SYSTEM)
    days = (date(2025, 12, 31), date(2026, 1, 1), date(2026, 2, 28), date(2026, 3, 1))
    found = [version_in_force(site, day) for day in days]
    assert [version.number if version else None for version in found] == [None, 1, 1, 2]


def test_versions_are_activated_in_their_order_and_only_of_the_own_study() -> None:
    site = SiteFactory(oid="SCAR")
    second = small_version("SCAR", number=2, visits=SCHEDULE[:5])
    with pytest.raises(DomainError) as refused:
        activate_version(site, second, from_date=date(2025, 12, 31), actor=SYSTEM)
    assert refused.value.codes == ("activation_order",)
    with pytest.raises(DomainError) as foreign:
        activate_version(site, small_version("OTHER"), from_date=date(2026, 2, 1), actor=SYSTEM)
    assert foreign.value.codes == ("version_of_study",)
    assert SiteActivation.objects.count() == 1
