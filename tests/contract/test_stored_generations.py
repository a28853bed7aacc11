"""The names under which stores hold the generations and the reconciler's notes, as live servers have them already."""

from collections.abc import Callable
from uuid import uuid4

import pytest

from chalicelib.platform.readmodels.documents.notebook import Notebook
from chalicelib.platform.readmodels.documents.projection import DocumentProjection
from chalicelib.platform.readmodels.passes import Pass
from chalicelib.platform.readmodels.port import Generations, ReadModel
from chalicelib.platform.readmodels.postgres.projection import PostgresProjection
from chalicelib.platform.readmodels.redis.client import open_redis
from local.emulator import Emulator
from local.resources import Aws, create_resources
from local.stack import RESOURCE_FILE
from local.valkey import Valkey

BUILDING = Generations(1, 2, is_complete=False, newest=2)
SWITCHED = Generations(2, 1, is_complete=True, newest=2)


def begin_and_switch(model: ReadModel) -> None:
    model.at(2).prepare()
    model.change(Generations(), BUILDING)
    model.change(BUILDING, SWITCHED)


@pytest.fixture
def own_read_table(contract_emulator: Emulator) -> tuple[Aws, str]:
    aws = Aws(contract_emulator.url)
    return aws, create_resources(aws, RESOURCE_FILE, {"Stage": uuid4().hex[:12]}).names["ReadTable"]


def test_generations_of_documents_are_the_attributes_of_one_item(own_read_table: tuple[Aws, str]) -> None:
    aws, table = own_read_table
    model = DocumentProjection("carts", aws.dynamodb, table, {})
    begin_and_switch(model)
    key = {"Id": {"S": "generations"}}
    stored = {"Live": {"N": "2"}, "Beside": {"N": "1"}, "IsWhole": {"BOOL": True}, "Newest": {"N": "2"}}
    assert aws.dynamodb.get_item(TableName=table, Key=key)["Item"] == key | stored
    assert model.generations() == SWITCHED


def test_generations_in_redis_are_the_fields_of_one_hash(
    make_model: Callable[[str], ReadModel], own_valkey: Valkey
) -> None:
    model = make_model("availability")
    begin_and_switch(model)
    stored = open_redis(own_valkey.url).hgetall("cloudbash:{availability}:generations")
    assert stored == {"live": "2", "beside": "1", "is_whole": "1", "newest": "2"}
    assert model.generations() == SWITCHED


def test_generations_in_postgres_are_the_columns_of_one_row(make_model: Callable[[str], ReadModel]) -> None:
    model = make_model("programme")
    assert isinstance(model, PostgresProjection)
    begin_and_switch(model)
    stored = model.pool.fetch_all("select * from generations where projection = 'programme'", {})
    assert stored == [{"projection": "programme", "live": 2, "beside": 1, "is_whole": True, "newest": 2}]
    assert model.generations() == SWITCHED


def test_the_reconciler_goes_on_with_the_notes_that_an_earlier_version_left(own_read_table: tuple[Aws, str]) -> None:
    aws, table = own_read_table
    notebook = Notebook(aws.dynamodb, table, "Id", "verification")
    left = {"id": "a pass", "began": "2030-01-01T12:00:00.000Z", "cursor": "here", "is_done": "", "is_mending": "yes"}
    notebook.write(left)
    found = Pass.from_notes(notebook.read())
    assert found == Pass("a pass", "2030-01-01T12:00:00.000Z", "here", is_done=False, is_repair=True)
    assert found.is_complete
    assert left.items() <= found.to_notes().items()
    assert Pass.from_notes(found.to_notes()) == found
