"""Becomes a server that dies with the process that started it, even when that process is killed with SIGKILL.

Run by path under `python -I -S`, it starts in milliseconds, and no module of ours can hide the library's:

    launch.py --parent PID --signal N [--user NAME] [--watch FD] -- command [argument ...]
"""

import argparse
import os
import pwd
import select
import signal
import sys
from typing import Any

PR_SET_PDEATHSIG = 1
LOOK_AT_THE_SERVER_EVERY = 0.5


def main(arguments: list[str]) -> None:
    options = parse(arguments)
    if options.watch is not None:
        # The watcher is forked before the user is dropped: it must be allowed to signal the server.
        watch_in_background(options.watch, options.signal)
    # Loaded before the user is dropped, who may not be able to read this Python's library.
    libc = None if options.watch is not None else load_libc()
    if options.user:
        become(options.user)
    if libc is not None:
        # After becoming another user, because a change of user clears the setting.
        die_with_parent(libc, options.parent, options.signal)
    os.execvp(options.command[0], options.command)  # noqa: S606 - becoming the server is the point


def parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--parent", type=int, required=True)
    parser.add_argument("--signal", type=int, default=int(signal.SIGKILL))
    parser.add_argument("--user")
    parser.add_argument("--watch", type=int, metavar="FD", help="a pipe the parent holds open while it lives")
    parser.add_argument("command", nargs="+")
    return parser.parse_args(arguments)


def become(user: str) -> None:
    entry = pwd.getpwnam(user)
    os.setgroups([])
    os.setgid(entry.pw_gid)
    os.setuid(entry.pw_uid)


def load_libc() -> Any:
    import ctypes  # noqa: PLC0415 - not needed, and not always there, where a watcher does the work

    return ctypes.CDLL(None)


def die_with_parent(libc: Any, parent: int, signum: int) -> None:
    if libc.prctl(PR_SET_PDEATHSIG, signum, 0, 0, 0) != 0:
        sys.exit("prctl(PR_SET_PDEATHSIG) failed")
    if os.getppid() != parent:
        sys.exit("the parent was gone before its death could be noticed")


def watch_in_background(pipe: int, signum: int) -> None:
    server = os.getpid()
    if os.fork() != 0:
        os.close(pipe)
        return
    os.setsid()
    os.dup2(os.open(os.devnull, os.O_RDWR), 0)
    os.dup2(0, 1)
    os.dup2(0, 2)
    while os.getppid() == server:
        readable, _, _ = select.select([pipe], [], [], LOOK_AT_THE_SERVER_EVERY)
        if readable:
            if os.getppid() == server:
                os.kill(server, signum)
            break
    os._exit(0)


if __name__ == "__main__":
    main(sys.argv[1:])
