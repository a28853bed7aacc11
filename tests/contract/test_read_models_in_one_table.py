"""Read models of documents share a table, and none sees or removes what is another's."""

from uuid import UUID, uuid4

import pytest

from chalicelib.platform.eventsourcing.codec import recorded
from chalicelib.platform.readmodels.documents.projection import DocumentProjection
from chalicelib.platform.readmodels.generations import begin, complete, switch
from chalicelib.platform.readmodels.port import Generations
from chalicelib.shop.carts.events import CartCreated
from chalicelib.shop.carts.projections import fold_cart
from local.emulator import Emulator
from local.resources import Aws, create_resources
from local.stack import RESOURCE_FILE
from tests.support.stored import store_all

EVENTS = [recorded(item) for item in store_all(uuid4(), [CartCreated(customer_id=uuid4())])]
CART: UUID = EVENTS[0].stream_id


@pytest.fixture
def two(contract_emulator: Emulator) -> tuple[DocumentProjection, DocumentProjection]:
    """The first read model of the table, and another one, both with the same stream in them."""
    aws = Aws(contract_emulator.url)
    table = create_resources(aws, RESOURCE_FILE, {"Stage": uuid4().hex[:12]}).names["ReadTable"]
    models = tuple(DocumentProjection(name, aws.dynamodb, table, {"Cart": fold_cart}) for name in ("carts", "others"))
    for model in models:
        model.apply(CART, -1, EVENTS)
    carts, others = models
    return carts, others


def rebuild(model: DocumentProjection) -> DocumentProjection:
    """A second generation with the stream in it, made live; only it is retained."""
    candidate = begin(model)
    candidate.apply(CART, -1, EVENTS)
    complete(model)
    switch(model)
    model.retain([candidate.generation])
    live = model.live_generation()
    assert live.generation == candidate.generation == 2
    return live


@pytest.mark.parametrize("first", [True, False], ids=["the first one", "the other one"])
def test_a_rebuild_leaves_the_other_read_model_as_it_is(
    two: tuple[DocumentProjection, DocumentProjection], first: bool
) -> None:
    rebuilt, other = two if first else two[::-1]
    live = rebuild(rebuilt)
    assert live.position(CART) == 0
    assert rebuilt.position(CART) == -1, "its first generation is gone"
    assert other.position(CART) == 0
    assert other.generations() == Generations()


def test_positions_are_their_own(two: tuple[DocumentProjection, DocumentProjection]) -> None:
    carts, others = two
    carts.retain([])
    assert (carts.position(CART), others.position(CART)) == (-1, 0)
