"""Finding the `Stem` that `package.module:attribute` names."""

from __future__ import annotations

import importlib
import inspect
import sys
import traceback
from difflib import get_close_matches
from pathlib import Path
from types import ModuleType
from typing import Final

from stem_core.client.stem import Stem
from stem_core.errors import ConfigurationError, StemError
from stem_core.text import visible

_DEFINE: Final = "define one there: stem = Stem.from_environment()"


def load_app(place: str, called: str = "--app") -> Stem:
    """Import an app; the current directory is looked into as well.

    Args:
        place: `package.module:attribute`.
        called: What to call the setting in an error.

    Raises:
        ConfigurationError: There is no such module or attribute, or it is no Stem.
        StemError: The app's own code fails when it is imported.
    """
    module_name, colon, attribute = place.partition(":")
    if not colon or not module_name or not attribute:
        raise ConfigurationError(
            f"{called} is {place!r}", "write package.module:attribute, such as examples.email:stem"
        )
    if "/" in module_name or module_name.startswith(".") or module_name.endswith(".py"):
        dotted = module_name.removesuffix(".py").replace("/", ".").strip(".").removeprefix("src.")
        raise ConfigurationError(f"{called} is {place!r}, a file", f"name the module: {dotted}:{attribute}")
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)
    module = _import(module_name, called)
    app: object = module
    for name in attribute.split("."):
        if not hasattr(app, name):
            lacking = f"{module_name!r} has no {attribute!r}"
            raise ConfigurationError(f"{called} {place}: {lacking}", _suggestion(module, name))
        app = getattr(app, name)
    if not isinstance(app, Stem):
        kind = type(app).__name__
        hint = _suggestion(module, "", f"call it there: stem = {attribute}()" if inspect.isfunction(app) else _DEFINE)
        raise ConfigurationError(f"{called} {place}: {attribute!r} is a {kind}, not a Stem", hint)
    return app


def _import(name: str, called: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is not None and (name == error.name or name.startswith(f"{error.name}.")):
            raise ConfigurationError(f"{called}: there is no module {error.name!r}", _where(error.name)) from error
        raise _failed(name, error) from error
    except StemError as error:
        raise type(error)(f"importing {name!r} failed: {error.message}", error.hint) from error
    except (Exception, SystemExit) as error:
        raise _failed(name, error) from error


def _where(missing: str) -> str:
    here = Path.cwd()
    inside = here / "src" / missing.replace(".", "/")
    if inside.is_dir() or inside.with_suffix(".py").is_file():
        return "it is in src: pip install -e . or set PYTHONPATH=src"
    return f"it is looked for in {here} and among the installed packages"


def _failed(name: str, error: BaseException) -> StemError:
    frames = [
        frame for frame in traceback.extract_tb(error.__traceback__)
        if "importlib" not in frame.filename and not frame.filename.startswith("<frozen ")
    ]  # fmt: skip
    place = ""
    if isinstance(error, SyntaxError) and error.filename:
        place = f" ({error.filename}:{error.lineno})"
    elif frames:
        place = f" ({frames[-1].filename}:{frames[-1].lineno})"
    said = visible(error.msg if isinstance(error, SyntaxError) else str(error), 300)
    return StemError(f"importing {name!r} failed: {type(error).__name__}: {said}{place}", "correct the app")


def _suggestion(module: ModuleType, wanted: str, otherwise: str = _DEFINE) -> str:
    stems = [name for name, value in vars(module).items() if isinstance(value, Stem)]
    if stems:
        return f"it has the Stem {', '.join(f'{module.__name__}:{name}' for name in stems)}"
    near = get_close_matches(wanted, vars(module), n=1)
    return f"did you mean {near[0]!r}?" if near else otherwise
