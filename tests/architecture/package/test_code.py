"""What ships: the shop as it is, compiled, with its libraries, and nothing else."""

import _imp
import json
import subprocess
import sys
from pathlib import Path, PurePosixPath
from zipfile import ZipFile

import pytest

from chalicelib.composition import migrations
from chalicelib.functions import FUNCTIONS
from infra import runtime
from infra.bytecode import LEFT_OUT
from infra.container import AWS_SDK, CODE, DEPENDENCIES, SDK, place_of
from infra.layers import file_of
from infra.package import COMPILER, PROJECT
from tests.architecture.package.template import names_in


def test_the_package_has_the_shop_as_it_is_and_nothing_of_what_is_around_it(package: Path) -> None:
    with ZipFile(package / "deployment.zip") as archive:
        names = [name for name in archive.namelist() if not name.startswith("chalice/") and not name.endswith(".pyc")]
        shipped = {name: archive.read(name) for name in names}
    source = [PROJECT / "app.py", *(path for path in (PROJECT / "chalicelib").rglob("*") if path.is_file())]
    expected = {str(path.relative_to(PROJECT)): path for path in source if "__pycache__" not in path.parts}
    assert shipped.keys() == expected.keys()
    assert not [name for name, path in expected.items() if shipped[name] != path.read_bytes()]


@pytest.fixture(scope="module")
def lambdas_python() -> str:
    """A Python as the functions have it, whatever this test runs on."""
    return runtime.find_interpreter() or pytest.skip(f"There is no {runtime.RUNTIME} here.")


def compiled_name(module: str) -> str:
    path = PurePosixPath(module)
    return str(path.parent / "__pycache__" / f"{path.stem}.{runtime.CACHE_TAG}.pyc")


@pytest.mark.parametrize("zipped", ["deployment.zip", "layer-deployment.zip"])
def test_every_module_is_shipped_with_its_bytecode(package: Path, zipped: str, lambdas_python: str) -> None:
    ask_for_magic = [lambdas_python, "-c", "import importlib.util; print(importlib.util.MAGIC_NUMBER.hex())"]
    magic = bytes.fromhex(subprocess.run(ask_for_magic, capture_output=True, text=True, check=True).stdout)  # noqa: S603
    with ZipFile(package / zipped) as archive:
        modules = {name: archive.read(name) for name in archive.namelist() if name.endswith(".py")}
        compiled = {name: archive.read(name) for name in archive.namelist() if name.endswith(".pyc")}
    expected = {compiled_name(name): source for name, source in modules.items() if LEFT_OUT not in name}
    assert compiled.keys() == expected.keys()
    never_compared_with_its_source = (1).to_bytes(4, "little")
    for name, source in expected.items():
        # As `importlib.util.source_hash` of the Python that loads it: each version has a key of its own.
        header = magic + never_compared_with_its_source + _imp.source_hash(int.from_bytes(magic, "little"), source)
        assert compiled[name][:16] == header, name


def test_the_same_code_gives_the_same_package(package: Path, tmp_path: Path, lambdas_python: str) -> None:
    copies = [tmp_path / "one.zip", tmp_path / "another.zip"]
    with ZipFile(package / "deployment.zip") as archive:
        for copy in copies:
            with ZipFile(copy, "w") as rewritten:
                for entry in archive.infolist():
                    if not entry.filename.endswith(".pyc"):
                        rewritten.writestr(entry, archive.read(entry))
            subprocess.run([lambdas_python, "-I", "-S", COMPILER, copy], check=True)  # noqa: S603
    assert copies[0].read_bytes() == copies[1].read_bytes()


def test_the_package_has_the_migrations(package: Path) -> None:
    files = {str(path.relative_to(PROJECT)) for directory in migrations() for path in directory.glob("*.sql")}
    assert files
    assert files <= names_in(package / "deployment.zip")


def test_the_layer_leaves_out_what_the_runtime_has_and_what_only_developers_need(package: Path) -> None:
    prefix = f"{runtime.SITE_PACKAGES}/"
    names = names_in(package / "layer-deployment.zip")
    assert all(name.startswith(prefix) for name in names)
    layer = {name.removeprefix(prefix).split("/")[0] for name in names}
    assert {"pydantic", "psycopg", "psycopg_binary", "psycopg_pool", "redis", "jwt", "cryptography"} <= layer
    assert not layer & {*AWS_SDK} - {"urllib3"}
    assert not layer & {"chalice", "pytest", "hypothesis", "mypy", "ministack", "cfnlint", "async_timeout"}


def test_only_the_functions_that_write_parquet_or_print_carry_the_libraries_for_it(sam: str, package: Path) -> None:
    assert any("/_duckdb." in name for name in names_in(package / "layer-archive.zip"))
    assert any("/fpdf/" in name for name in names_in(package / "layer-print.zip"))
    assert any("/typst/" in name for name in names_in(package / "layer-paper.zip"))
    assert any(name.endswith(".ttf") for name in names_in(package / "layer-fonts.zip"))
    of_all = {name.split("/")[4] for name in names_in(package / "layer-deployment.zip")}
    assert not of_all & {"duckdb", "_duckdb", "fpdf", "PIL", "fontTools", "pymupdf_fonts", "typst", "uharfbuzz"}
    layers = {
        name: [layer["Ref"] for layer in resource["Properties"]["Layers"]]
        for name, resource in json.loads(sam)["Resources"].items()
        if resource["Type"] == "AWS::Serverless::Function"
    }
    assert layers.pop("ArchiveEvents") == ["ManagedLayer", "ArchiveLayer"]
    assert layers.pop("APIHandler") == ["ManagedLayer", "PrintLayer"]
    assert layers.pop("SendMails") == ["ManagedLayer", "MailLayer"]
    assert layers.pop("PrintTickets") == ["ManagedLayer", "PaperLayer", "FontsLayer"]
    assert {tuple(names) for names in layers.values()} == {("ManagedLayer",)}


def test_the_package_stays_within_the_limits_of_lambda(package: Path) -> None:
    """Of each function: its code, the libraries of all, and its own layers."""
    assert all(zipped.stat().st_size < 50_000_000 for zipped in package.glob("*.zip"))
    for function in FUNCTIONS.values():
        zips = [package / name for name in ("deployment.zip", "layer-deployment.zip", *map(file_of, function.layers))]
        assert sum(entry.file_size for zipped in zips for entry in ZipFile(zipped).infolist()) < 250_000_000, function


ON_LAMBDAS_PLATFORM = pytest.mark.skipif(sys.platform != "linux", reason="packaged for Lambda's Linux")
WITH_A_LAYER_OF_ITS_OWN = "chalicelib.platform.archive.parquet", "chalicelib.platform.archive.archivist"


def run_deployed(deployed: Path, python: str, program: str, *layers: str) -> None:
    paths = [deployed / place for place in (CODE, *layers, SDK)]
    preamble = (
        f"import importlib, pkgutil, sys; sys.path[:0] = {[str(path) for path in paths]!r}; import app, chalicelib\n"
    )
    command = [python, "-I", "-S", "-c", preamble + program]
    run = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own program
    assert run.returncode == 0, run.stderr


@ON_LAMBDAS_PLATFORM
def test_every_module_that_is_shipped_can_be_imported_where_it_is_deployed(unpacked: Path, lambdas_python: str) -> None:
    program = (
        "for module in pkgutil.walk_packages(chalicelib.__path__, 'chalicelib.'):\n"
        f"    if module.name not in {WITH_A_LAYER_OF_ITS_OWN!r}: importlib.import_module(module.name)"
    )
    run_deployed(unpacked, lambdas_python, program, DEPENDENCIES)


@ON_LAMBDAS_PLATFORM
def test_the_archive_is_written_where_it_is_deployed(unpacked: Path, tmp_path: Path, lambdas_python: str) -> None:
    program = (
        f"for name in {WITH_A_LAYER_OF_ITS_OWN!r}: importlib.import_module(name)\n"
        "from pathlib import Path; from uuid import UUID\n"
        "from chalicelib.platform.archive.parquet import Spool, read_events\n"
        "from chalicelib.platform.eventsourcing.stored import StoredEvent\n"
        "event = StoredEvent(UUID(int=1), 0, '2030-06-15T00:00:00.000Z', 'An.Event', '{}')\n"
        f"directory = Path({str(tmp_path)!r}); spool = Spool(directory); spool.add([event])\n"
        "assert spool.write('2030-06-15', directory / 'x.parquet') == 1\n"
        "assert list(read_events([directory / 'x.parquet'])) == [event]"
    )
    run_deployed(unpacked, lambdas_python, program, DEPENDENCIES, place_of("archive"))


@ON_LAMBDAS_PLATFORM
def test_attendees_are_printed_where_it_is_deployed(unpacked: Path, lambdas_python: str) -> None:
    program = (
        "from chalicelib.shop.sales.pdf import attendee_list\n"
        "guest = {'buyer': {'name': 'محمد', 'email': 'm@example.org'}, 'ticket_id': '1', 'order_id': '2',\n"
        "         'ticket_type_name': 'Standing', 'checked_in_at': None}\n"
        "assert attendee_list('Björk', 'today', [guest]).startswith(b'%PDF-')"
    )
    run_deployed(unpacked, lambdas_python, program, DEPENDENCIES, place_of("print"))


@ON_LAMBDAS_PLATFORM
def test_tickets_are_printed_where_it_is_deployed(unpacked: Path, lambdas_python: str) -> None:
    ids = "'ticket_id': ID, 'order_id': ID, 'concert_id': ID"
    program = (
        "from base64 import b64decode; from uuid import UUID; ID = str(UUID(int=1))\n"
        f"face = {{{ids}, 'code': 'A' * 201, 'concert_name': 'محمد 山田', 'ticket_type_name': 'Standing',\n"
        "        'holder': '😀', 'starts_at': None, 'ends_at': None, 'venue': None, 'price': None}\n"
        "printed = app.print_tickets({'language': 'en', 'faces': [face]}, None)['pdf']\n"
        "assert b64decode(printed).startswith(b'%PDF-')"
    )
    run_deployed(unpacked, lambdas_python, program, DEPENDENCIES, place_of("paper"), place_of("fonts"))
