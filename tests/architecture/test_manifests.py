"""What a context's own folder and manifest say is known everywhere: nothing else has to be told of it."""

import json
import shutil
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from chalicelib import contexts
from chalicelib.composition import Composition
from chalicelib.functions import FUNCTIONS
from chalicelib.platform.manifest import Context
from chalicelib.shop.access.erasure import FINISH_ERASURE
from chalicelib.shop.concerts.process import RESUME_CONCERT
from chalicelib.shop.concerts.tasks import CANCEL_POOL
from chalicelib.shop.mails import task_kinds as mail_task_kinds
from chalicelib.shop.orders.task_kinds import CANCEL_ORDER, SETTLE_ORDER, SETTLE_PAYMENT, SETTLE_REVERSALS
from chalicelib.shop.webhooks import task_kinds
from infra.configuration import CONFIG, files
from local.checkout import PROJECT

COPIED = ("app.py", "chalicelib", ".chalice", "infra", "local", "ops", "simulator", "tests", "pyproject.toml", "docs")

EVENTS = '''

class ReviewEvent(Event, aggregate="Review"):
    """A fact about what somebody thinks of a venue."""


class ReviewWritten(ReviewEvent, stored_as="Cloudbash.Domain.Venues.Events.ReviewWrittenEvent"):
    """Somebody has written a review."""

    stars: int
'''
AGGREGATE = '''"""What somebody thinks of a venue."""

from dataclasses import dataclass

from chalicelib.platform.eventsourcing.aggregate import Aggregate
from chalicelib.platform.eventsourcing.event import Event
from chalicelib.shop.venues.events import ReviewWritten


@dataclass(frozen=True, slots=True)
class Review:
    stars: int = 0


def evolve(review: Review, event: Event) -> Review:
    return Review(event.stars) if isinstance(event, ReviewWritten) else review


REVIEW = Aggregate("Review", Review(), evolve)
'''
PROJECTIONS = '''"""Reviews, to be read by key."""

from chalicelib.platform.eventsourcing.codec import RecordedEvent
from chalicelib.platform.eventsourcing.event import JsonObject
from chalicelib.platform.readmodels.documents.document import new_document


def fold_review(document: JsonObject | None, recorded: RecordedEvent) -> JsonObject:
    return (document or new_document(recorded)) | {"stars": recorded.event.stars}


REVIEWS = {"Review": fold_review}
'''
SEEN = """
import json, sys
import app
from chalicelib import contexts
from chalicelib.functions import FUNCTIONS
from chalicelib.platform.eventsourcing.event import EVENT_CLASSES
from chalicelib.shop.concerts.process import RESUME_CONCERT
from chalicelib.shop.concerts.tasks import CANCEL_POOL
from chalicelib.shop.orders.task_kinds import CANCEL_ORDER, SETTLE_ORDER, SETTLE_PAYMENT, SETTLE_REVERSALS
from infra.configuration import files
from infra.template import merge_template
from ops import catalogue, rebuild
from tests.support.contexts import all_aggregates
from tests.support.read_models import MODELS

page = catalogue.render()
template = merge_template()["Resources"]
dashboard = json.dumps(template["Dashboard"])
json.dump({
    "codec": "Cloudbash.Domain.Venues.Events.ReviewWrittenEvent" in EVENT_CLASSES,
    "catalogue": "ReviewWritten" in page,
    "aggregates": "Review" in contexts.aggregates(),
    "tests' aggregates": "Review" in {one.name for one in all_aggregates()},
    "tests' read models": "reviews" in MODELS,
    "rebuild, replay and verify": "reviews" in rebuild.NAMES,
    "projectors": [*contexts.projectors_of("reviews")] == ["Review"],
    "entry point": callable(getattr(app, "project_reviews", None)),
    "event source": "project_reviews" in {one.name for one in app.app.event_sources},
    "template": "READ_TABLE" in template["ProjectReviews"]["Properties"]["Environment"]["Variables"],
    "mapping": "ProjectReviewsKinesisEventSource" in template["ProjectReviews"]["Properties"]["Events"],
    "log group": "ProjectReviewsLogs" in template,
    "alarms": {"ProjectReviewsErrorsAlarm", "ProjectReviewsDelayAlarm", "ProjectReviewsLagAlarm"} <= template.keys(),
    "dashboard": "ProjectReviews" in dashboard,
    "policy": "ReadTable" in files()["policies/project_reviews.json"],
    "configuration": "project_reviews" in json.loads(files()["config.json"])["lambda_functions"],
}, sys.stdout)
"""


@pytest.fixture(scope="module")
def changed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the tree in which venues have a new aggregate, and a read model with a function of its own."""
    copy = tmp_path_factory.mktemp("changed")
    for name in COPIED:
        original = PROJECT / name
        if original.is_dir():
            shutil.copytree(original, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(original, copy / name)
    venues = copy / "chalicelib" / "shop" / "venues"
    with (venues / "events.py").open("a") as events:
        events.write(EVENTS)
    (venues / "review.py").write_text(AGGREGATE)
    (venues / "review_projections.py").write_text(PROJECTIONS)
    manifest = (venues / "__init__.py").read_text()
    assert '"venue.VENUE",' in manifest
    manifest = manifest.replace('"venue.VENUE",', '"venue.VENUE", "review.REVIEW",')
    manifest = manifest.replace("projectors={", 'projectors={"reviews": "review_projections.REVIEWS", ')
    manifest = manifest.replace(
        "    routes=",
        '    read_models=(ReadModelDeclaration("reviews", Store.DOCUMENTS, "project_reviews"),),\n    routes=',
    )
    manifest = manifest.replace("import Context", "import Context, ReadModelDeclaration, Store")
    (venues / "__init__.py").write_text(manifest)
    return copy


def test_an_aggregate_and_a_read_model_are_known_by_their_folder_and_manifest_alone(changed: Path) -> None:
    run = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-c", SEEN], cwd=changed, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr
    seen: dict[str, bool] = json.loads(run.stdout)
    assert [place for place, knows in seen.items() if not knows] == []


def test_what_chalice_reads_is_what_the_table_of_functions_says() -> None:
    """`python -m infra.configuration` writes it."""
    directory = CONFIG.parent
    written = {name: (directory / name).read_text() for name in files()}
    assert written == files()
    assert {f"policies/{path.name}" for path in directory.glob("policies/*")} == files().keys() - {"config.json"}


@pytest.mark.parametrize("context", contexts.CONTEXTS, ids=lambda context: context.package.rpartition(".")[2])
def test_everything_that_a_manifest_names_is_there(context: Context) -> None:
    named = [*context.aggregates, *context.routes, *context.projectors.values(), *context.processes]
    named += [*context.reactions, *context.tasks.values(), *(function.run for function in context.functions)]
    named += [model.shape for model in context.read_models if model.shape]
    for reference in named:
        assert context.load(reference) is not None


def test_every_context_of_the_shop_is_in_the_list() -> None:
    folders = {path.parent.name for path in (PROJECT / "chalicelib" / "shop").glob("*/__init__.py")}
    assert {context.package.rpartition(".")[2] for context in contexts.CONTEXTS} == folders


@pytest.mark.parametrize("module", ["api", "tasks", "schedules"])
def test_a_container_offers_what_contexts_ask_of_it(module: str) -> None:
    """Each says so by a protocol of services, and gets the composition, which mypy cannot see through a manifest."""
    offered = {*dir(Composition), *vars(Composition(settings=_no_settings()))}
    asked = [shop for context in contexts.CONTEXTS for shop in _protocols(context, module)]
    assert asked
    for protocol in asked:
        wanted = {name for base in protocol.__mro__ for name in vars(base) if not name.startswith("_")}
        assert wanted <= offered, protocol


def test_every_kind_of_task_has_one_handler() -> None:
    kinds = [kind for context in contexts.CONTEXTS for kind in context.tasks]
    assert len(kinds) == len({*kinds})
    assert contexts.task_handlers(object()).keys() == {*kinds}
    of_orders = {CANCEL_POOL, SETTLE_ORDER, SETTLE_PAYMENT, SETTLE_REVERSALS, CANCEL_ORDER}
    of_webhooks = {kind for name, kind in vars(task_kinds).items() if name.isupper()}
    of_mails = {kind for name, kind in vars(mail_task_kinds).items() if name.isupper()}
    assert {RESUME_CONCERT, FINISH_ERASURE, *of_orders, *of_webhooks, *of_mails} == {*kinds}


def test_every_read_model_has_a_function_and_every_projector_a_read_model() -> None:
    declared = contexts.read_models()
    assert {function.read_model for function in FUNCTIONS.values() if function.read_model} == {*declared, "processes"}
    assert {name for context in contexts.CONTEXTS for name in context.projectors} <= declared.keys()


def _protocols(context: Context, module: str) -> list[type]:
    places = [*context.routes, *context.tasks.values(), *(function.run for function in context.functions)]
    if not any(place.startswith(f"{module}.") for place in places):
        return []
    declared = vars(import_module(f"{context.package}.{module}"))
    return [one for name, one in declared.items() if name.endswith("Services") and name != "Services"]


def _no_settings() -> Any:
    return None
