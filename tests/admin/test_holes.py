"""Each hole of the stock admin and of the REST framework, tried with a canary at the other sites."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.test import Client
from django.urls import NoReverseMatch, reverse
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.test import APIRequestFactory, force_authenticate

from capture.models import FormRecord, Query
from tests.admin import holes_urls
from tests.admin.world import CANARY, UNKNOWN, World, add_crossed_query, build_world
from trials.admin.scoped import ScopedModelAdmin
from trials.admin.site import DayZeroAdminSite, site
from trials.api.scoped import ScopedRelatedField, ScopedSerializer, ScopedViewSet
from trials.domain.roles import Role
from trials.models import Participant, Study

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.admin.holes_urls")]


@pytest.fixture
def world() -> World:
    holes_urls.written.clear()
    return build_world()


@pytest.fixture
def client(world: World) -> Client:
    return world.client(Role.COORDINATOR)


def page(client: Client, path: str) -> str:
    answer = client.get(f"/admin/{path}")
    assert answer.status_code == 200, (path, answer.status_code)
    return str(answer.content.decode())


def errors(answer: Any) -> list[str]:
    form = answer.context["adminform"].form
    return [str(message) for messages in form.errors.values() for message in messages]


def test_a_list_shows_own_rows_only(world: World, client: Client) -> None:
    text = page(client, "trials/participant/")
    assert "P01-001" in text
    assert CANARY not in text


def test_a_filter_by_relation_lists_own_rows_only(world: World, client: Client) -> None:
    text = page(client, "capture/query/")
    assert CANARY not in text
    assert world.foreign_site.key("record") not in text


def test_a_filter_by_a_foreign_key_answers_like_an_unknown_one_even_where_a_row_refers_to_it(
    world: World, client: Client
) -> None:
    add_crossed_query(world)
    foreign = page(client, f"capture/query/?record__id__exact={world.foreign_site.key('record')}")
    unknown = page(client, f"capture/query/?record__id__exact={UNKNOWN}")
    assert "crossed" not in foreign
    assert "crossed" not in unknown
    own = page(client, f"capture/query/?record__id__exact={world.own.key('record')}")
    assert "query 01" in own


def test_a_column_and_a_detail_page_never_show_the_label_of_a_foreign_row(world: World, client: Client) -> None:
    crossed = add_crossed_query(world)
    listed = page(client, "capture/query/")
    assert "crossed" in listed
    assert "Not found, or not yours to see." in listed
    assert CANARY not in listed
    viewer = world.client(Role.MONITOR)
    shown = page(viewer, f"capture/query/{crossed.pk}/change/")
    assert CANARY not in shown
    assert world.foreign_site.key("record") not in shown


def test_a_select_offers_own_rows_only(world: World, client: Client) -> None:
    text = page(client, "capture/query/add/")
    assert CANARY not in text
    assert world.own.key("record") in text
    assert world.foreign_site.key("record") not in text
    assert world.foreign_study.key("record") not in text


@pytest.mark.parametrize("place", ["foreign_site", "foreign_study"])
def test_a_posted_foreign_key_is_refused_like_an_unknown_one_and_nothing_is_written(
    world: World, client: Client, place: str
) -> None:
    own = {"record": world.own.key("record"), "text": "t", "participant": world.own.key("participant")}
    foreign = client.post("/admin/capture/query/add/", {**own, "record": world.corner(place).key("record")})
    unknown = client.post("/admin/capture/query/add/", {**own, "record": str(UNKNOWN)})
    assert (foreign.status_code, unknown.status_code) == (200, 200)
    assert errors(foreign) == errors(unknown) != []
    assert CANARY not in foreign.content.decode()
    assert holes_urls.written == []
    assert client.post("/admin/capture/query/add/", own).status_code == 302
    assert len(holes_urls.written) == 1


@pytest.mark.parametrize("name", ["participant", "visit"])
@pytest.mark.parametrize("place", ["foreign_site", "foreign_study"])
def test_raw_ids_and_autocompletes_accept_and_label_own_rows_only(
    world: World, client: Client, name: str, place: str
) -> None:
    own = {"participant": world.own.key("participant"), "visit": world.own.key("visit"), "form": "VS"}
    foreign = client.post("/admin/capture/formrecord/add/", {**own, name: world.corner(place).key(name)})
    unknown = client.post("/admin/capture/formrecord/add/", {**own, name: str(UNKNOWN)})
    assert errors(foreign) == errors(unknown) != []
    assert CANARY not in foreign.content.decode()
    assert holes_urls.written == []
    assert client.post("/admin/capture/formrecord/add/", own).status_code == 302


def test_a_foreign_site_for_a_new_row_is_refused(world: World) -> None:
    client = world.client(Role.COORDINATOR)
    posted = {"study": world.foreign_study.key("study"), "code": "99", "name": "n", "time_zone": "UTC"}
    assert errors(client.post("/admin/trials/site/add/", posted)) != []
    assert holes_urls.written == []


def test_autocomplete_answers_with_own_rows_only(world: World, client: Client) -> None:
    query = "app_label=capture&model_name=formrecord&field_name=visit"
    everything = client.get(f"/admin/autocomplete/?{query}&term=")
    searched = client.get(f"/admin/autocomplete/?{query}&term={CANARY}")
    assert [row["id"] for row in everything.json()["results"]] == [world.own.key("visit")]
    assert searched.json()["results"] == []


def test_nothing_can_be_deleted_and_no_confirmation_lists_children(world: World, client: Client) -> None:
    with pytest.raises(NoReverseMatch):
        reverse("admin:trials_study_delete", args=[world.own.study.pk])
    rows = Study.objects.count()
    client.post(
        "/admin/trials/study/", {"action": "delete_selected", "_selected_action": world.own.key("study"), "post": "yes"}
    )
    answer = client.post(f"/admin/trials/study/{world.own.key('study')}/delete/", {"post": "yes"})
    assert answer.status_code in (302, 403, 404)
    assert CANARY not in answer.content.decode()
    assert Study.objects.count() == rows


def test_inlines_show_own_rows_only(world: World, client: Client) -> None:
    stray = world.foreign_site.rows["query"]
    Query.objects.filter(pk=stray.pk).update(participant=world.own.rows["participant"])
    text = page(client, f"trials/participant/{world.own.key('participant')}/change/")
    assert "query 01" in text
    assert CANARY not in text


def test_view_on_site_is_gone(world: World, client: Client) -> None:
    for row in (world.own.rows["study"], world.foreign_study.rows["study"]):
        answer = client.get(f"/admin/r/1/{row.pk}/")
        assert (answer.status_code, answer.headers.get("Location")) == (404, None)


def test_a_form_never_says_that_a_value_exists_elsewhere(world: World) -> None:
    manager = world.client(Role.DATA_MANAGER)
    taken = manager.post("/admin/trials/study/add/", {"oid": world.foreign_study.study.oid, "title": "t"})
    free = manager.post("/admin/trials/study/add/", {"oid": "NEVERSEEN", "title": "t"})
    assert (taken.status_code, free.status_code) == (302, 302)
    assert [row.oid for row in holes_urls.written] == [world.foreign_study.study.oid, "NEVERSEEN"]


def test_a_search_does_not_reach_through_a_relation_to_a_foreign_row(world: World, client: Client) -> None:
    add_crossed_query(world)
    assert "crossed" in page(client, "capture/query/")
    record = world.foreign_site.rows["record"]
    assert isinstance(record, FormRecord)
    found = page(client, f"capture/query/?q={record.form}")
    assert "crossed" not in found


@pytest.mark.parametrize(
    "query", ["record__form__startswith=C", "participant__site__name__contains=C", "record__participant__number=x"]
)
def test_a_look_up_through_a_relation_is_refused(client: Client, query: str) -> None:
    answer = client.get(f"/admin/trials/participant/?{query}")
    listed = client.get(f"/admin/capture/query/?{query}")
    assert answer.status_code in (302, 400)
    assert listed.status_code in (302, 400)


def test_another_key_field_than_the_primary_key_is_not_answered(world: World, client: Client) -> None:
    assert client.get("/admin/trials/participant/?_to_field=number&_popup=1").status_code == 400
    by_number = client.get(f"/admin/trials/participant/{world.own.rows['participant']}/change/?_to_field=number")
    assert by_number.status_code in (400, 404)


@pytest.mark.parametrize("kind", ["study", "site", "participant"])
@pytest.mark.parametrize("place", ["foreign_site", "foreign_study"])
def test_a_foreign_row_is_not_found_in_the_same_words_as_an_unknown_one(
    world: World, client: Client, kind: str, place: str
) -> None:
    if kind == "study" and place == "foreign_site":
        return
    foreign = client.get(f"/admin/trials/{kind}/{world.corner(place).key(kind)}/change/")
    unknown = client.get(f"/admin/trials/{kind}/{UNKNOWN}/change/")
    assert (foreign.status_code, foreign.content) == (404, unknown.content)


def test_only_scoped_lists_and_inlines_can_be_registered() -> None:
    private = DayZeroAdminSite("private")
    with pytest.raises(ImproperlyConfigured):
        private.register(Study)
    assert all(isinstance(each, ScopedModelAdmin) for each in site._registry.values())
    assert {model._meta.app_label for model in site._registry} <= {"trials", "capture", "safety", "records"}


def test_a_list_without_write_is_read_only(world: World) -> None:
    client = world.client(Role.COORDINATOR)
    assert client.get("/admin/trials/participant/add/").status_code == 403
    before = Participant.objects.get(pk=world.own.key("participant")).number
    answer = client.post(f"/admin/trials/participant/{world.own.key('participant')}/change/", {"number": "X"})
    assert answer.status_code == 403
    assert Participant.objects.get(pk=world.own.key("participant")).number == before


# The REST bases.


class QuerySerializer(ScopedSerializer):
    class Meta:
        model = Query
        fields = ("id", "text", "record")


class NewQuery(serializers.Serializer[Any]):
    record = ScopedRelatedField(model=FormRecord)


class Queries(ScopedViewSet):
    queryset = Query.objects.all()
    serializer_class = QuerySerializer
    filters = {"record": "record_id", "state": "state"}
    orderings = ("opened_at",)


def ask(world: World, method: str, path: str = "/", *, role: Role = Role.COORDINATOR, **kwargs: Any) -> Any:
    request = getattr(APIRequestFactory(), method)(path, format="json")
    force_authenticate(request, user=world.user(role))
    routes: dict[str, Any] = {"get": "retrieve" if "pk" in kwargs else "list"}
    return Queries.as_view(routes, detail="pk" in kwargs)(request, **kwargs).render()


def test_the_interface_lists_own_rows_and_foreign_is_unknown(world: World) -> None:
    assert [row["id"] for row in ask(world, "get").data] == [world.own.key("query")]
    foreign = ask(world, "get", pk=world.foreign_site.key("query"))
    unknown = ask(world, "get", pk=str(UNKNOWN))
    malformed = ask(world, "get", pk="x")
    assert (foreign.status_code, foreign.content) == (404, unknown.content)
    assert malformed.content == unknown.content


@pytest.mark.parametrize("query", ["record__form=x", "site=1", "ordering=text", "ordering=record__form", "search=x"])
def test_undeclared_filters_orderings_and_searches_are_refused(world: World, query: str) -> None:
    assert ask(world, "get", f"/?{query}").status_code == 400


def test_a_malformed_filter_value_matches_nothing_like_an_unknown_one(world: World) -> None:
    add_crossed_query(world)
    assert ask(world, "get", "/?record=x").data == ask(world, "get", f"/?record={UNKNOWN}").data == []


def test_a_related_key_of_another_site_is_refused_like_an_unknown_one(world: World) -> None:
    request = Request(APIRequestFactory().post("/"))
    request.user = world.user(Role.COORDINATOR)

    def refused(key: object) -> Any:
        form = NewQuery(data={"record": key}, context={"request": request})
        assert not form.is_valid()
        return form.errors

    assert refused(world.foreign_site.key("record")) == refused(str(UNKNOWN)) == refused("x") == refused([1])
    own = NewQuery(data={"record": world.own.key("record")}, context={"request": request})
    assert own.is_valid()


def test_the_interface_writes_nothing_by_itself(world: World) -> None:
    for method in ("post", "put", "patch", "delete"):
        assert ask(world, method, pk=world.own.key("query")).status_code == 405
    with pytest.raises(ImproperlyConfigured):
        QuerySerializer(Query.objects.first(), data={"text": "x"}).save()


def test_a_serializer_names_its_fields_has_no_unique_check_and_no_browsable_form() -> None:
    with pytest.raises(ImproperlyConfigured):
        type("Loose", (ScopedSerializer,), {"Meta": type("Meta", (), {"model": Query, "fields": "__all__"})})
    assert all(field.read_only and not field.validators for field in QuerySerializer().fields.values())
    assert [renderer.media_type for renderer in Queries.renderer_classes] == ["application/json"]


def test_a_role_without_the_interface_gets_nothing_from_it(world: World) -> None:
    assert ask(world, "get", role=Role.ADMINISTRATOR).status_code == 403
