"""Carts hold what a customer has selected, with a hold on tickets behind each line."""

from chalicelib.platform.manifest import Context, ReadModelDeclaration, Store

CONTEXT = Context(
    __name__,
    aggregates=("cart.CART", "customer_carts.CUSTOMER_CARTS"),
    routes=("api.routes",),
    read_models=(ReadModelDeclaration("carts", Store.DOCUMENTS, "project_carts"),),
    projectors={"carts": "projections.PROJECTORS"},
)
