import random
import socket

HOST = "127.0.0.1"

# Below what Linux and macOS hand out for outgoing connections. A port from that range could be taken by any client
# while its server is away for a while, and a client that retries a closed local port there can even connect to itself.
CANDIDATES = range(20_000, 32_000)


class NoFreePort(RuntimeError):
    pass


def free_port() -> int:
    for port in random.SystemRandom().sample(CANDIDATES, k=200):
        if is_free(port):
            return port
    raise NoFreePort(f"none of 200 ports between {CANDIDATES.start} and {CANDIDATES.stop} is free")


def is_free(port: int) -> bool:
    """Tell whether a server that reuses addresses could listen here. Connections of an earlier run in TIME_WAIT do not
    count.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
        return True


def accepts_connections(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.settimeout(1.0)
        return probe.connect_ex((HOST, port)) == 0
