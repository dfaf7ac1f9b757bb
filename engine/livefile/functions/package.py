"""The Python package that holds an app's code: finding it, importing it, and importing it anew.

Not here: what is in its modules (``functions/app.py``).
"""

import hashlib
import importlib
import importlib.util
import sys
import traceback
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from livefile.vocabulary.errors import AppError

# Packages that were loaded as apps in this process: only these may be imported anew.
_app_names: set[str] = set()


@dataclass(frozen=True, slots=True)
class Package:
    """A package by its import name, and its folder."""

    name: str
    path: Path

    @classmethod
    def locate(cls, source: str | Path) -> "Package":
        """Find a package, and make it importable; see ``App.load``.

        Raises:
            AppError: there is no such package.
        """
        return cls(*_locate(source))

    def import_modules(self) -> dict[str, ModuleType]:
        """Import all modules and return them by their dotted names.

        Raises:
            Exception: whatever a module raises.
        """
        _app_names.add(self.name)
        return {name: importlib.import_module(name) for name in _module_names(self.name, self.path)}

    @contextmanager
    def first_import(self) -> Iterator[None]:
        """Forget what was imported inside if it ends in an ``AppError``.

        What comes before a mistake is imported again once that is mended.
        """
        known = set(sys.modules)
        try:
            yield
        except AppError:
            _forget([name for name in self._imported() if name not in known])
            raise

    @contextmanager
    def another_import(self, source_files: Iterable[Path]) -> Iterator[None]:
        """Let every module be imported anew inside; after an ``AppError`` all is as before."""
        before = self._imported()
        _forget(before)
        for file in source_files:
            # Python tells an old compilation by its second and size: too coarse for two edits.
            Path(importlib.util.cache_from_source(str(file))).unlink(missing_ok=True)
        try:
            yield
        except AppError:
            _forget(self._imported())
            sys.modules.update(before)
            raise

    def traceback_of(self, error: BaseException) -> str:
        """Return the traceback from the package's own code on, as Python prints it."""
        shown = traceback.TracebackException.from_exception(error)
        inside = [frame for frame in shown.stack if frame.filename.startswith(str(self.path))]
        if inside or isinstance(error, SyntaxError):  # Which names its place by itself.
            shown.stack = traceback.StackSummary.from_list(inside)
        return "".join(shown.format()).strip()

    def _imported(self) -> dict[str, ModuleType]:
        return {name: it for name, it in sys.modules.items() if _is_inside(name, self.name)}


def hash_of(files: Iterable[Path]) -> str:
    """Return 16 hexadecimal digits that change whenever a source file does."""
    digest = hashlib.sha256()
    for file in files:
        content = file.read_bytes()
        digest.update(f"{file.name} {len(content)}\n".encode() + content)
    return digest.hexdigest()[:16]


def _locate(source: str | Path) -> tuple[str, Path]:
    """Return the import name and the folder of a package, and make it importable."""
    folder = Path(source).absolute()
    if folder.is_dir():
        inside = [file.parent for file in folder.glob("*/__init__.py")]
        apps = [package for package in inside if package.name != "tests"]
        if len(apps) == 1 and not (folder / "__init__.py").exists():
            folder = apps[0]  # What lies beside it, such as a script, is not of the app.
        elif not any(folder.glob("*.py")):
            found = [file.parent for file in sorted(folder.glob("*/*.py"))]
            packages = [package for package in found if package.name != "tests"]
            if len(set(packages)) != 1:
                raise AppError(
                    f"{folder}: want the folder of an app, or one that holds a single app; "
                    f"found {len(set(packages))} folders with Python files in it"
                )
            folder = packages[0]
        if not folder.name.isidentifier():
            raise AppError(f"{folder}: {folder.name!r} cannot be imported as a package")
        _make_importable(folder)
        return folder.name, folder
    try:
        spec = importlib.util.find_spec(str(source))
    except (ImportError, ValueError):
        spec = None
    if spec is None or not spec.submodule_search_locations:
        raise AppError(f"{source}: there is no such folder and no such package")
    return str(source), Path(next(iter(spec.submodule_search_locations)))


def _make_importable(folder: Path) -> None:
    """Put the folder's parent first on the path, and forget an app of this name elsewhere.

    Raises:
        AppError: Python knows something else under this name.
    """
    parent, name = str(folder.parent), folder.name
    if name in sys.stdlib_module_names:
        raise AppError(f"{folder}: {name!r} is a module of Python; an app needs another name")
    if parent in sys.path:
        sys.path.remove(parent)
    sys.path.insert(0, parent)
    known = {n: m for n, m in sys.modules.items() if _is_inside(n, name)}
    files = [getattr(module, "__file__", None) for module in known.values()]
    is_elsewhere = any(file and not Path(file).is_relative_to(folder) for file in files)
    if is_elsewhere and name in _app_names:
        _forget(known)
    importlib.invalidate_caches()
    spec = importlib.util.find_spec(name)
    if spec is None or str(folder) not in (spec.submodule_search_locations or ()):
        raise AppError(
            f"{folder}: {name!r} is another package for Python; rename the folder, or put an "
            "__init__.py into it"
        )


def _module_names(package: str, path: Path) -> list[str]:
    names = []
    for file in sorted(path.rglob("*.py")):
        parts = file.relative_to(path).with_suffix("").parts
        if parts[-1] == "__init__":
            parts = parts[:-1]
        if all(part.isidentifier() for part in parts):
            names.append(".".join((package, *parts)))
    return names


def _forget(modules: Iterable[str]) -> None:
    """Let modules be imported anew."""
    for name in modules:
        del sys.modules[name]
    importlib.invalidate_caches()


def _is_inside(module: str, package: str) -> bool:
    return module == package or module.startswith(f"{package}.")
