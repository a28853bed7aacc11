"""The tree over a register: every leaf is proven, and nothing else is."""

import hashlib

from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.shop.orders.proofs.tree import Node, Tree, leaf, leaf_bytes, node_of, root_by

Leaves = list[tuple[bytes, bool]]
unhurried = settings(deadline=None)
leaves = st.lists(st.tuples(st.binary(min_size=32, max_size=32), st.booleans()), min_size=1, max_size=40)


def tree_of(content: Leaves) -> Tree:
    return Tree(leaf_bytes(*one) for one in content)


def plainly(content: Leaves) -> Node:
    """The root by the recursive definition of RFC 9162, 2.1.1, with the counts in it."""
    if len(content) == 1:
        [(commitment, counts)] = content
        return Node(int(counts), hashlib.sha256(b"\0" + commitment + bytes([counts])).digest())
    split = 1 << (len(content) - 1).bit_length() - 1
    left, right = plainly(content[:split]), plainly(content[split:])
    both = b"".join(one.counted.to_bytes(8) + one.hash for one in (left, right))
    return Node(left.counted + right.counted, hashlib.sha256(b"\1" + both).digest())


@unhurried
@given(leaves)
def test_the_root_is_that_of_the_standard_and_counts_the_tickets_that_count(content: Leaves) -> None:
    root = tree_of(content).root
    assert root == plainly(content)
    assert root.counted == sum(counts for _, counts in content)


@unhurried
@given(leaves)
def test_every_leaf_is_proven_where_it_stands_and_nowhere_else(content: Leaves) -> None:
    tree, size = tree_of(content), len(content)
    for position, one in enumerate(content):
        path = tree.path(position)
        assert len(path) <= (size - 1).bit_length()
        proven = [place for place in range(-1, size + 2) if root_by(path, leaf(*one), place, size) == tree.root]
        assert position in proven
        assert {content[place] for place in proven} == {one}


@unhurried
@given(leaves, st.data())
def test_one_changed_bit_of_leaf_or_path_leads_to_another_root(content: Leaves, data: st.DataObject) -> None:
    tree = tree_of(content)
    position = data.draw(st.integers(0, len(content) - 1))
    nodes = [leaf(*content[position]), *tree.path(position)]
    raw = [node.counted.to_bytes(8) + node.hash for node in nodes]
    place, bit = data.draw(st.integers(0, len(raw) - 1)), data.draw(st.integers(0, 319))
    changed = int.from_bytes(raw[place]) ^ 1 << bit
    nodes[place] = node_of(changed.to_bytes(40))
    if nodes[place].counted < 2**62:
        assert root_by(nodes[1:], nodes[0], position, len(content)) != tree.root


@unhurried
@given(leaves, leaves.map(lambda found: found[0]))
def test_another_leaf_is_not_proven(content: Leaves, other: tuple[bytes, bool]) -> None:
    tree = tree_of(content)
    for position, one in enumerate(content):
        if one != other:
            assert root_by(tree.path(position), leaf(*other), position, len(content)) != tree.root


@unhurried
@given(leaves, st.integers(-3, 3))
def test_a_path_fits_no_other_number_of_leaves_for_all_of_them(content: Leaves, more: int) -> None:
    """A certificate with another number of issued tickets fails for some ticket, whatever its root."""
    tree, size = tree_of(content), len(content) + more
    if more:
        found = [root_by(tree.path(p), leaf(*one), p, size) for p, one in enumerate(content)]
        assert any(root != tree.root for root in found)


@unhurried
@given(leaves, st.data())
def test_a_dropped_ticket_has_no_proof_for_the_root_of_the_others(content: Leaves, data: st.DataObject) -> None:
    position = data.draw(st.integers(0, len(content) - 1))
    others = content[:position] + content[position + 1 :]
    if not others or content[position] in others:
        return
    path, dropped, understated = tree_of(content).path(position), leaf(*content[position]), tree_of(others)
    for place in range(len(content)):
        for size in (len(others), len(content)):
            assert root_by(path, dropped, place, size) != understated.root
