"""Which service carries the events is the business of one adapter."""

from pathlib import Path

ROOT = Path(__file__).parents[2]
ADAPTER = "chalicelib/platform/bus/kinesis/"
WIRING = {"app.py", "chalicelib/composition.py"}


def test_only_its_adapter_and_the_wiring_name_the_service_of_the_bus() -> None:
    shipped = [*(ROOT / "chalicelib").rglob("*.py"), ROOT / "app.py"]
    naming = {path.relative_to(ROOT).as_posix() for path in shipped if "kinesis" in path.read_text().lower()}
    assert {path for path in naming if not path.startswith(ADAPTER)} <= WIRING
    assert any(path.startswith(ADAPTER) for path in naming)
