"""Every function is told what it needs and no more."""

import json
import re
from dataclasses import fields, replace

import pytest

from chalicelib.composition import Composition
from chalicelib.functions import PROCESSES
from chalicelib.settings import NotConfigured, Settings
from tests.architecture.package.template import BY_ID, Json, environment_of


def make_what_it_needs(function: str, shop: Composition) -> None:
    """As a container does before its first call; of the API also what only some requests need."""
    BY_ID[function].warm_up(shop)
    if function == "Work":
        shop.read_model("carts")
    if function == "SendMails":
        _ = shop.ticket_keys
    if function == "APIHandler":
        _ = shop.vault, shop.gateways, shop.decline_limit, shop.work_queue, shop.verifier, shop.ids
        _ = shop.webhook_queue, shop.ticket_keys, shop.registers, shop.wallet_keys
        _ = shop.postgres, shop.redis
        for name in shop.read_model_names:
            if name != PROCESSES:
                shop.read_model(name)
        shop.probes["event_bus"]()


NEEDED_BY_SOME_STAGES = {"DATABASE_SECRET_ID", "STRIPE_SECRET_ID", "PAYMENT_RETURN_URL", "COUNTERS_TABLE"}
NEEDED_BY_SOME_STAGES |= {"USER_POOL_ARN", "WALLETS_SECRET_ID", "MAIL_FROM", "PUBLIC_SHOP_URL", "PUBLIC_API_URL"}
"""Without the first DATABASE_URL says who we are; without the second the provider is not admitted; without the third
the browser asks for an authentication; a worker asks only Stripe at a limited pace; tokens of an issuer that is no
user pool of ours leave nobody to be deleted there; most stages make no passes for wallets; and a stage
without a sender, or without addresses to link to, writes no mails, or none with such links."""


def test_every_variable_of_a_function_is_a_setting(functions: Json) -> None:
    settings = {field.name.upper() for field in fields(Settings)}
    for function in functions:
        assert environment_of(functions, function).keys() <= settings, function


@pytest.mark.usefixtures("without_aws")
@pytest.mark.parametrize("function", BY_ID)
def test_every_function_can_make_what_it_needs(functions: Json, function: str) -> None:
    settings = Settings.from_environment(environment_of(functions, function))
    make_what_it_needs(function, Composition(settings))


def without(settings: Settings, variable: str) -> Settings:
    emptied: Json = {variable.lower(): ""}
    return replace(settings, **emptied)


@pytest.mark.usefixtures("without_aws")
@pytest.mark.parametrize("function", BY_ID)
def test_no_function_gets_a_variable_that_it_does_not_need(functions: Json, function: str) -> None:
    settings = Settings.from_environment(environment_of(functions, function))
    without_default = {field.name for field in fields(Settings) if field.default == ""}
    for name in environment_of(functions, function):
        if name.lower() in without_default and name not in NEEDED_BY_SOME_STAGES:
            with pytest.raises(NotConfigured):
                make_what_it_needs(function, Composition(without(settings, name)))


def test_only_the_api_knows_the_rules_of_the_shop(functions: Json) -> None:
    rules = {
        "HOLD_MINUTES",
        "PAYMENT_MINUTES",
        "COOL_DOWN_MINUTES",
        "OPEN_CARTS",
        "HELD_PER_CONCERT",
        "UNPAID_ORDERS",
        "CART_BURST",
        "DECLINES_PER_CUSTOMER",
        "DECLINES_PER_ADDRESS",
        "DECLINE_MINUTES",
        "GUESTS_PER_ADDRESS",
        "GUEST_WINDOW_MINUTES",
        "GUEST_TICKETS_PER_ADDRESS",
    }
    assert rules <= environment_of(functions, "APIHandler").keys()
    for function in functions.keys() - {"APIHandler"}:
        assert not rules & environment_of(functions, function).keys(), function


def test_no_secret_is_a_parameter_or_shown_in_an_environment(sam: str, functions: Json) -> None:
    """They are read from Secrets Manager by id; addresses with a password in them are refused."""
    parameters = json.loads(sam)["Parameters"]
    assert not [name for name, parameter in parameters.items() if parameter.get("NoEcho")]
    secret = {
        "ID_KEY",
        "TICKET_KEY",
        "GUEST_KEY",
        "SANDBOX_SECRET",
        "STRIPE_API_KEY",
        "STRIPE_WEBHOOK_SECRET",
        "MASTER_KEY_FILE",
        "SIGNING_KEY_FILE",
    }
    for function in functions:
        environment = environment_of(functions, function).keys()
        assert not secret & environment, function
        assert ("DATABASE_URL" in environment) == ("DATABASE_SECRET_ID" in environment), function


@pytest.mark.parametrize(
    ("parameter", "address", "admitted"),
    [
        ("DatabaseUrl", "postgresql://db.example:5432/cloudbash?sslmode=require", True),
        ("DatabaseUrl", "postgresql://postgres@127.0.0.1:5432/postgres", True),
        ("DatabaseUrl", "postgresql://me:secret@db.example/cloudbash", False),
        ("RedisUrl", "rediss://cache.example:6379", True),
        ("RedisUrl", "rediss://:secret@cache.example:6379", False),
    ],
)
def test_an_address_may_have_no_password_in_it(sam: str, parameter: str, address: str, admitted: bool) -> None:
    pattern = json.loads(sam)["Parameters"][parameter]["AllowedPattern"]
    assert bool(re.fullmatch(pattern, address)) is admitted
