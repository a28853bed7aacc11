"""Ids that requests make, which only the server can compute."""

import json
from itertools import product
from uuid import RFC_4122, UUID, uuid5

from chalicelib.platform.http.requests import identify
from chalicelib.platform.ids import IdKey
from local.keys import LOCAL_ID_KEY
from tests.support.shop import CUSTOMER

KEY = IdKey(LOCAL_ID_KEY)
PATH = "/carts/0c8a1d3e-64f5-4b0b-9d0f-6c1f2f4f8b7a/checkout"


def test_an_id_is_a_uuid_of_version_8() -> None:
    for number in range(50):
        key = KEY.id_of("ticket", number)
        assert (key.version, key.variant) == (8, RFC_4122)


def test_the_same_names_under_the_same_key_are_the_same_id() -> None:
    assert IdKey(LOCAL_ID_KEY).id_of("ticket", CUSTOMER.id, 0) == KEY.id_of("ticket", CUSTOMER.id, 0)
    assert str(KEY.id_of("a name")) == "a48294eb-a224-8e1e-a3d3-3786bdf9fe16"


def test_other_names_another_purpose_and_another_key_are_other_ids() -> None:
    names = [
        ("ticket", "1", "11"),
        ("ticket", "11", "1"),
        ("ticket", "1\n11"),
        ("refund", "1", "11"),
        ("ticket", "111"),
    ]
    found = {IdKey(key).id_of(*each) for key, each in product((LOCAL_ID_KEY, "another" * 9), names)}
    assert len(found) == 2 * len(names)


def test_a_repeated_request_is_the_same_one_and_every_part_of_it_counts() -> None:
    def request(
        caller: UUID = CUSTOMER.id, method: str = "POST", path: str = PATH, key: str | None = "1", ids: IdKey = KEY
    ) -> UUID:
        return identify(ids, caller, method, path, key, None).id

    assert request() == request()
    others = {request(UUID(int=1)), request(method="PATCH"), request(path="/carts"), request(key="2")}
    others |= {request(ids=IdKey("another" * 9)), request(key=None), request(key=None)}
    assert len(others - {request()}) == 7


def test_nobody_computes_an_id_from_what_he_knows() -> None:
    """Whoever reads this code knows the names and how they are joined, and not the key."""
    names = ["request", str(CUSTOMER.id), "POST", PATH, "1"]
    namespaces = [CUSTOMER.id, UUID("b3c1f0a4-9d55-4f6b-8c1b-2f7f6e0d9a52"), UUID(int=0)]
    guesses = {
        uuid5(namespace, text)
        for namespace in namespaces
        for text in ("\n".join(names), "\n".join(names[1:]), json.dumps(names))
    }
    guesses |= {IdKey(guess).id_of(*names) for guess in ("", str(CUSTOMER.id), PATH)}
    assert identify(KEY, CUSTOMER.id, "POST", PATH, "1", None).id not in guesses
