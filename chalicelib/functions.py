"""What each function makes before its first call comes.

What every call of a function needs is made as its container starts: one that was started ahead of its calls lets none
of them wait. What only some calls need waits for the first of them: the API loads no driver of a database for a buyer
who asks only the log. Nothing here asks a server, but for the secrets of a payment provider.
"""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from chalicelib.composition import Composition

THE_API = "app"

WARM_UP: "Mapping[str, Callable[[Composition], object]]" = {
    THE_API: lambda shop: shop.repository,
    "authorize": lambda shop: shop.verifier,
    "forward_events": lambda shop: shop.forwarder,
    "project_programme": lambda shop: shop.programme_consumer,
    "project_carts": lambda shop: shop.carts_consumer,
    "project_availability": lambda shop: shop.availability_consumer,
    "run_processes": lambda shop: shop.processes_consumer,
    "sign_heads": lambda shop: shop.head_signer,
    "archive_events": lambda shop: shop.archivist,
    "work": lambda shop: (shop.worker, shop.repository),
    "push_on": lambda shop: shop.processes,
    "record_lapsed_holds": lambda shop: (shop.redis, shop.repository),
    "verify_read_models": lambda shop: shop.reconciler,
    "migrate": lambda shop: shop.programme,
}
"""By the name of the handler in `app.py`."""
