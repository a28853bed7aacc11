"""Concerts are found as people type their names, the best match first."""

from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.platform.errors import InvalidInput
from chalicelib.platform.readmodels.postgres.pool import Pool
from chalicelib.platform.search.letters import plain
from chalicelib.platform.search.names import indexed
from chalicelib.platform.search.sought import Sought
from chalicelib.shop.concerts.events import ConcertDetailsChanged
from chalicelib.shop.concerts.queries import ConcertSearch, search_concerts
from tests.contract.programme.followed import EVENING, FollowedLog, empty

few = settings(max_examples=60, derandomize=True, deadline=None)


@pytest.mark.parametrize(
    ("name", "q"),
    [
        ("P!nk", "pink"),
        ("Pink", "p!nk"),
        ("AC/DC", "acdc"),
        ("AC/DC", "ac dc"),
        ("ACDC", "AC/DC"),
        ("a-ha", "aha"),
        ("Ke$ha", "kesha"),
        ("A$AP Rocky", "asap rocky"),
        ("$uicideboy$", "suicideboys"),
        ("deadmau5", "deadmaus"),
        ("KoЯn", "korn"),
        ("Wham!", "wham"),
        ("!!!", "!!!"),
        ("Jane's Addiction", "janes addiction"),
        ("Florence + The Machine", "florence and the machine"),
        ("Florence and the Machine", "florence & the machine"),
        ("Simon & Garfunkel", "simon und garfunkel"),
        ("Guns N' Roses", "guns and roses"),
        ("R&B Night", "r and b night"),
        ("R&B Night", "rnb"),
        ("Beatles", "the beatles"),
        ("Χάρις", "ΧΑΡΙΣ"),
        ("ΧΑΡΙΣ", "χάρις"),
        ("أُمّ كُلْثُوم", "ام كلثوم"),
        ("ام كلثوم", "أُمّ كُلْثُوم"),
        ("فيروز", "فــيــروز"),
        ("فرقة", "فرقه"),
        ("שָׁלוֹם חָנוֹךְ", "שלום חנוך"),
        ("Bjørn", "bjoern"),
        ("Bjørn", "bjorn"),
        ("Bjoern", "bjørn"),
        ("Björn", "bjørn"),
        ("Ålborg Festival", "aalborg"),
        ("Die Ärzte", "aerzte"),
        ("Größenwahn", "groessenwahn"),
        ("Röyksopp", "royksopp"),
        ("Łona", "lona"),
        ("İstanbul Trio", "istanbul"),
        ("東京事変ライブ", "事変"),
        ("東京事変ライブ", "らいぶ"),
        ("東京事変", "東京 事変"),
        ("東京 事変", "東京事変"),
        ("BABYMETALライブ", "babymetal"),
        ("ガガ", "ｶﾞｶﾞ"),
        ("방탄소년단", "소년단"),
        ("วงดนตรี", "ดนตรี"),
        ("می\u200cخانه", "میخانه"),
        ("Pink Floyd", "pinkfloyd"),
        ("Coldplay", "cold play"),
        ("Coldplay", "c"),
        ("Coldplay", "coldp"),
        ("Coldplay", "play"),
        ("Coldplay", "coldpaly"),
        ("Motörhead", "moterhead"),
        ("Shakira", "shakera"),
        ("Muse", "mse"),
        ("Muse", "muuse"),
        ("Muse", "mude"),
        ("Muse", "msue"),
        ("Radiohead", "raidohe"),
        ("Rage Against the Machine", "rgae aganist the machne"),
    ],
)
def test_a_name_is_found_as_people_type_it(followed: FollowedLog, name: str, q: str) -> None:
    followed.publish("Somebody Else")
    followed.publish(name)
    assert followed.found(q=q) == [name]


@pytest.mark.parametrize(
    ("name", "q"),
    [
        ("Air", "aif"),
        ("The 1975", "1976"),
        ("Coldplay", "codlpya"),
        ("ガガ", "かか"),
        ("Radiohead", "radiohead unplugged"),
        ("Anything", "\u0301"),
    ],
)
def test_what_is_more_than_a_typo_away_is_not_found(followed: FollowedLog, name: str, q: str) -> None:
    followed.publish(name)
    assert followed.found(q=q) == []


def test_the_best_match_comes_first_and_equal_ones_by_date(followed: FollowedLog) -> None:
    names = ["Spinks", "Pinky Party", "Finks", "Pinkerton Pinks", "Pink Floyd Tribute", "P!nk", "The Pink", "Pinot"]
    for days, name in enumerate(names):
        followed.publish(name, EVENING + timedelta(days=days))
    assert followed.found(q="pink")[:3] == ["P!nk", "The Pink", "Pink Floyd Tribute"]
    assert followed.found(q="pink")[-1] == "Spinks"
    assert followed.found() == names


@pytest.mark.parametrize("limit", [1, 2, 3])
def test_pages_of_matches_show_each_once_in_one_order(followed: FollowedLog, limit: int) -> None:
    for name in ["Pink", "Pink", "Pink live", "Pinky", "Spinks", "Fink"]:
        followed.publish(name)
    seen: list[str] = []
    after: list[str] | None = None
    while True:
        page, after = search_concerts(followed.pool, ConcertSearch(q="pink"), limit, after)
        seen += [concert["name"] for concert in page]
        if after is None:
            break
    assert seen == followed.found(q="pink")
    assert len(seen) == 6


@pytest.mark.parametrize(
    "after", [["", str(UUID(int=1))], ["x", "", str(UUID(int=1))], ["9" * 30, "", str(UUID(int=1))]]
)
def test_a_cursor_of_another_order_is_refused(followed: FollowedLog, after: list[str]) -> None:
    with pytest.raises(InvalidInput):
        search_concerts(followed.pool, ConcertSearch(q="pink"), 20, after)
    with pytest.raises(InvalidInput):
        search_concerts(followed.pool, ConcertSearch(), 20, ["1", "", str(UUID(int=1))])


def test_a_word_may_also_be_of_the_place_which_counts_less(followed: FollowedLog) -> None:
    paris = followed.open_venue("Olympia", city="Paris", country="France")
    followed.publish("Air", venue_id=paris)
    followed.publish("Paris Combo", EVENING + timedelta(days=9), venue_id=uuid4())
    assert followed.found(q="air paris") == ["Air"]
    assert followed.found(q="paris") == ["Paris Combo", "Air"]


@pytest.mark.parametrize(
    ("city", "location"),
    [
        ("Århus", "aarhus"),
        ("Århus", "arhus"),
        ("München", "muenchen"),
        ("Muenchen", "münchen"),
        ("Łódź", "lodz"),
        ("Århus", "aahrus"),
    ],
)
def test_a_place_is_found_as_people_type_it(followed: FollowedLog, city: str, location: str) -> None:
    followed.publish("There", venue_id=followed.open_venue("Hall", city=city))
    followed.publish("Elsewhere", venue_id=followed.open_venue("Hall", city="Wien"))
    assert followed.found(location=location) == ["There"]


def test_typos_in_a_place_are_forgiven_only_if_no_place_is_called_so(followed: FollowedLog) -> None:
    for city in ("Bern", "Berg"):
        followed.publish(city, venue_id=followed.open_venue("Hall", city=city))
    assert followed.found(location="bern") == ["Bern"]
    assert sorted(followed.found(location="berm")) == ["Berg", "Bern"]


def test_a_concert_that_is_renamed_is_found_by_its_new_name_only(followed: FollowedLog) -> None:
    concert_id = followed.publish("Motörhead")
    followed.happened(concert_id, ConcertDetailsChanged(name="Girlschool", venue_id=UUID(int=1)))
    assert followed.found(q="girlschol") == ["Girlschool"]
    assert followed.found(q="motorhead") == []


@few
@given(st.text(max_size=80))
def test_what_is_stored_is_what_postgres_gives_back(shared_pool: Pool, name: str) -> None:
    made = indexed(name.replace("\0", ""))
    texts = {"terms": made.terms, "words": made.words}
    query = "select %(terms)s::tsvector::text as terms, %(words)s::tsvector::text as words"
    assert shared_pool.fetch_all(query, texts) == [texts]


@few
@given(st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=60))
def test_every_name_is_found_by_itself(shared_pool: Pool, name: str) -> None:
    sought = Sought(name)
    if not sought.words:
        assert not any(map(str.isalnum, plain(name)))
        return
    asked = {"terms": indexed(name).terms, "query": sought.strictly, "whole": sought.whole}
    [row] = shared_pool.fetch_all(
        "select %(terms)s::tsvector @@ %(query)s::tsquery as found, %(terms)s::tsvector @@ %(whole)s::tsquery as whole",
        asked,
    )
    assert (row["found"], row["whole"]) == (True, True)


words = st.sampled_from(["abcdeøüåñ", "漢字かアン", "καρις", "שלום", "كلثوم"]).flatmap(
    lambda letters: st.text(letters, min_size=4, max_size=12)
)


@few
@given(words, st.data())
def test_one_typo_anywhere_in_a_word_is_forgiven(shared_pool: Pool, word: str, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(word) - 2))
    typed = data.draw(
        st.sampled_from(
            [
                word[:place] + word[place + 1 :],
                word[: place + 1] + word[place:],
                word[:place] + word[-1] + word[place + 1 :],
                word[:place] + word[place + 1] + word[place] + word[place + 2 :],
            ]
        )
    )
    asked = {"terms": indexed(word).terms, "query": Sought(typed).loosely}
    [row] = shared_pool.fetch_all("select %(terms)s::tsvector @@ %(query)s::tsquery as found", asked)
    assert row["found"]


def test_without_a_name_nothing_is_found_by_one(shared_pool: Pool) -> None:
    empty(shared_pool)
    followed = FollowedLog(shared_pool)
    followed.publish("")
    assert followed.found(q="a") == []
    assert followed.found() == [""]
