"""Hashes a register of tickets to one root, which fixes every ticket and how many of them count (ADR 87).

The tree has the shape and the prefixes of RFC 9162. Beside each hash stands the number of tickets below that count, and
the hash above is over both: so nobody can give a root a smaller number than the leaves under it have.
"""

import hashlib
from collections.abc import Iterable, Sequence
from typing import NamedTuple

COUNT_BYTES = 8
_NODE_BYTES = COUNT_BYTES + 32
_LEAF, _INNER = b"\x00", b"\x01"
_COUNTS, _COUNTS_NOT = (number.to_bytes(COUNT_BYTES) for number in (1, 0))


class Node(NamedTuple):
    """Stands for the leaves below it: how many of them count, and their hash."""

    counted: int
    hash: bytes


def commitment_of(salted_id: bytes) -> bytes:
    """Return what stands for a ticket: without the salt, nobody who has the ticket's id can tell that it does."""
    return hashlib.sha256(salted_id).digest()


def leaf(commitment: bytes, is_valid: bool) -> Node:
    return node_of(leaf_bytes(commitment, is_valid))


def leaf_bytes(commitment: bytes, is_valid: bool) -> bytes:
    """Return a leaf as the tree holds it."""
    state = _COUNTS if is_valid else _COUNTS_NOT
    return state + hashlib.sha256(_LEAF + commitment + state[-1:]).digest()


class Tree:
    """Holds the nodes of one register, level by level, 40 bytes each: the count and the hash."""

    def __init__(self, leaves: Iterable[bytes]) -> None:
        self._levels = [b"".join(leaves)]
        while len(self._levels[-1]) > _NODE_BYTES:
            self._levels.append(_above(self._levels[-1]))

    @property
    def size(self) -> int:
        return len(self._levels[0]) // _NODE_BYTES

    @property
    def root(self) -> Node:
        """Return the root; that of no leaves is the hash of nothing, as in RFC 9162."""
        return node_of(self._levels[-1]) if self.size else Node(0, hashlib.sha256().digest())

    def path(self, position: int) -> list[Node]:
        """Return the nodes by which the root follows from a leaf, beginning at the leaf's neighbour."""
        found = []
        for level in self._levels[:-1]:
            neighbour = (position ^ 1) * _NODE_BYTES
            if neighbour < len(level):
                found.append(node_of(level[neighbour : neighbour + _NODE_BYTES]))
            position >>= 1
        return found


def root_by(path: Sequence[Node], node: Node, position: int, size: int) -> Node | None:
    """Return the root to which a path leads from a leaf at this position of so many (RFC 9162, 2.1.3.2).

    None says that no path of this length belongs there.
    """
    if not 0 <= position < size:
        return None
    last = size - 1
    for neighbour in path:
        if last == 0:
            return None
        if position & 1 or position == last:
            node = _parent(neighbour, node)
            while not position & 1 and position:
                position, last = position >> 1, last >> 1
        else:
            node = _parent(node, neighbour)
        position, last = position >> 1, last >> 1
    return node if last == 0 else None


def _above(level: bytes) -> bytes:
    """Return the level above; a last node without a neighbour stands there as it is."""
    pair = 2 * _NODE_BYTES
    end = len(level) - len(level) % pair
    return b"".join(_inner(level[start : start + pair]) for start in range(0, end, pair)) + level[end:]


def _inner(pair: bytes) -> bytes:
    count = int.from_bytes(pair[:COUNT_BYTES]) + int.from_bytes(pair[_NODE_BYTES : _NODE_BYTES + COUNT_BYTES])
    return count.to_bytes(COUNT_BYTES) + hashlib.sha256(_INNER + pair).digest()


def _parent(left: Node, right: Node) -> Node:
    return node_of(_inner(b"".join(node.counted.to_bytes(COUNT_BYTES) + node.hash for node in (left, right))))


def node_of(content: bytes) -> Node:
    return Node(int.from_bytes(content[:COUNT_BYTES]), content[COUNT_BYTES:])
