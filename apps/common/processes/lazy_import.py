"""Modules that are loaded at first use, so that not every web process loads what few requests need.

A spreadsheet library, with the numeric packages it imports, uses more memory in a web worker than
all of Django. A module that needs one imports it twice: for readers and type checkers, and for the
running process.

    if TYPE_CHECKING:
        import xlsxwriter
    else:
        xlsxwriter = lazy_import("xlsxwriter")

Only for modules that are used inside functions. An import error in such a module appears at first
use, so `tests/common/processes/test_lazy_import.py` loads each of them.
"""

import sys
from importlib.util import LazyLoader, find_spec, module_from_spec
from types import ModuleType


def lazy_import(name: str) -> ModuleType:
    """Return the module of that name, which is loaded when one of its attributes is first used; a
    package above it is loaded immediately.

    Raises ModuleNotFoundError if it does not exist.
    """
    if name in sys.modules:
        return sys.modules[name]
    spec = find_spec(name)
    if spec is None or spec.loader is None:
        raise ModuleNotFoundError(f"There is no module {name}.", name=name)
    spec.loader = LazyLoader(spec.loader)
    module = module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    # set the attribute of the parent package, as an import would
    package, _, module_name = name.rpartition(".")
    if package:
        setattr(sys.modules[package], module_name, module)
    return module
