"""Settings are checked at the start, and every fault is named."""

from datetime import timedelta
from pathlib import Path

import pytest

from chalicelib.settings import STACK_FILE, InvalidSettings, NotConfigured, Settings


def faults_of(**environ: str) -> tuple[str, ...]:
    with pytest.raises(InvalidSettings) as refused:
        Settings.from_environment(dict(environ))
    return refused.value.faults


def test_settings_have_the_types_in_which_they_are_used() -> None:
    settings = Settings.from_environment({"HOLD_MINUTES": "7.5", "PAYMENT_PROVIDERS": "stripe, sandbox"})
    assert settings.hold_for == timedelta(minutes=7.5)
    assert settings.payment_providers == ("stripe", "sandbox")


def test_what_is_not_set_has_its_default() -> None:
    assert Settings.from_environment({"HOLD_MINUTES": ""}) == Settings()


@pytest.mark.parametrize("minutes", ["fifteen", "0", "-1", "nan", "inf", "1e9"])
def test_a_deadline_must_be_a_number_of_minutes(minutes: str) -> None:
    assert faults_of(HOLD_MINUTES=minutes) == (
        f"HOLD_MINUTES must be a number of minutes, up to 10080, and is {minutes!r}",
    )


@pytest.mark.parametrize("providers", ["stirpe", "stripe,", "stripe,paypal"])
def test_a_payment_provider_that_does_not_exist_is_named(providers: str) -> None:
    (fault,) = faults_of(PAYMENT_PROVIDERS=providers)
    assert fault.startswith("PAYMENT_PROVIDERS must name some of sandbox, stripe, none, and names ")


@pytest.mark.parametrize(
    ("misspelt", "meant"),
    [
        ("HOLD_MINUTE", "HOLD_MINUTES"),
        ("HOLD_MINUTTES", "HOLD_MINUTES"),
        ("HODL_MINUTES", "HOLD_MINUTES"),
        ("EVENT_TABLE", "EVENTS_TABLE"),
        ("REDIS_URI", "REDIS_URL"),
    ],
)
def test_a_name_that_is_nearly_a_setting_is_refused(misspelt: str, meant: str) -> None:
    assert faults_of(**{misspelt: "1"}) == (f"{misspelt} is no setting; {meant} is",)


def test_the_variables_of_others_are_left_alone() -> None:
    assert Settings.from_environment({"PATH": "/bin", "HOME": "/", "LANG": "C", "AWS_REGION": "x"}) == Settings()


@pytest.mark.parametrize("name", ["DATABASE_URL", "REDIS_URL", "JWKS_URL", "STRIPE_API_BASE", "PAYMENT_RETURN_URL"])
def test_an_address_has_its_scheme_and_is_never_repeated(name: str) -> None:
    (fault,) = faults_of(**{name: "ftp://me:secret@host"})
    assert fault.startswith(f"{name} must begin with ")
    assert "secret" not in fault


def test_every_fault_is_told_at_once_also_those_of_the_stack_file(tmp_path: Path) -> None:
    (tmp_path / "stack.json").write_text('{"HOLD_MINUTES": "fifteen", "APPEND_WITH": "pray"}')
    assert [fault.partition(" ")[0] for fault in faults_of(**{STACK_FILE: str(tmp_path / "stack.json")})] == [
        "APPEND_WITH",
        "HOLD_MINUTES",
    ]


def test_a_setting_that_is_needed_and_not_set_is_named() -> None:
    with pytest.raises(NotConfigured, match="EVENTS_TABLE is not set"):
        Settings().need("events_table")
