"""Gives a run a directory for its data. It is removed at exit or, after a kill, when the next stack starts."""

import fcntl
import os
import pwd
import shutil
import stat
import tempfile
import time
from pathlib import Path
from types import TracebackType

PREFIX = "cloudbash-local-"
LOCK = "lock"
UNLOCKED_IS_STALE_AFTER = 60.0


class NoReachableDirectory(RuntimeError):
    pass


class ThrowawayDirectory:
    """Makes the directory. Its lock is held by this process, and released by its death, however it dies."""

    def __init__(self, user: str | None, base: Path | None = None) -> None:
        """Prepare a directory whose content `user` can reach, though not list. `base` replaces the system's temporary
        directory.
        """
        base = base or reachable_base(user)
        remove_stale(base)
        self.path = Path(tempfile.mkdtemp(prefix=PREFIX, dir=base))
        self.path.chmod(0o711)
        self._lock = self._locked_file()

    def _locked_file(self) -> int:
        # Locked before it gets its name: nobody ever sees it unlocked while we live.
        unnamed = self.path / f".{LOCK}"
        descriptor = os.open(unnamed, os.O_CREAT | os.O_RDWR | os.O_EXCL, 0o600)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        unnamed.rename(self.path / LOCK)
        return descriptor

    def remove(self) -> None:
        shutil.rmtree(self.path, ignore_errors=True)
        os.close(self._lock)

    def __enter__(self) -> Path:
        return self.path

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.remove()


def remove_stale(base: Path) -> None:
    for directory in base.glob(f"{PREFIX}*"):
        if _is_ours(directory) and _is_stale(directory):
            shutil.rmtree(directory, ignore_errors=True)


def _is_ours(directory: Path) -> bool:
    try:
        found = directory.lstat()
    except FileNotFoundError:
        return False
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid()


def _is_stale(directory: Path) -> bool:
    try:
        descriptor = os.open(directory / LOCK, os.O_RDWR)
    except FileNotFoundError:
        return _age(directory) > UNLOCKED_IS_STALE_AFTER
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(descriptor)
    return True


def _age(directory: Path) -> float:
    try:
        return time.time() - directory.stat().st_mtime
    except FileNotFoundError:
        return 0.0


def reachable_base(user: str | None) -> Path:
    # The standard places are a last resort, and mkdtemp makes what lies there ours alone.
    for base in (Path(tempfile.gettempdir()), Path("/tmp"), Path("/var/tmp")):  # noqa: S108
        if base.is_dir() and os.access(base, os.W_OK | os.X_OK) and reachable_by(user, base):
            return base.resolve()
    raise NoReachableDirectory(f"There is no temporary directory that {user or 'this user'} can reach.")


def reachable_by(user: str | None, path: Path) -> bool:
    """Tell whether `user` may reach and read `path`, or run what is a program; None is ourselves."""
    if user is None:
        return os.access(path, os.R_OK)
    entry = pwd.getpwnam(user)
    resolved = path.resolve()
    may_walk = all(_allows(parent, entry, stat.S_IXOTH) for parent in resolved.parents)
    used_by_executing = resolved.stat().st_mode & stat.S_IXUSR
    return may_walk and _allows(resolved, entry, stat.S_IXOTH if used_by_executing else stat.S_IROTH)


def _allows(path: Path, entry: pwd.struct_passwd, bit: int) -> bool:
    found = path.stat()
    if found.st_uid == entry.pw_uid:
        bit <<= 6
    elif found.st_gid == entry.pw_gid:
        bit <<= 3
    return bool(found.st_mode & bit)
