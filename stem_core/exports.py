"""Names of a package that are loaded when they are first used, so that importing it costs next to nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module


def on_demand(
    package: dict[str, object], places: Mapping[str, str]
) -> tuple[Callable[[str], object], Callable[[], list[str]]]:
    """Return a package's `__getattr__` and `__dir__` (PEP 562).

    Define them where no type checker looks: it would take `__getattr__` for a promise that every name is there.

    Args:
        package: Its `globals()`.
        places: Names, and the modules that have them.
    """

    def find(name: str) -> object:
        if name not in places:
            raise AttributeError(f"module {package['__name__']!r} has no attribute {name!r}")
        value: object = getattr(import_module(places[name]), name)
        package[name] = value
        return value

    return find, lambda: sorted({*package, *places})
