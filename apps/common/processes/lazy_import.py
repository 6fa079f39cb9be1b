"""Modules that are read when they are first used: what a rare door needs is not held by every
process that serves.

A workbook reader, with the numerics it brings along, costs a web worker more than all of Django.
Whoever wants such a module says so where imports stand, twice: for those who read and check the
code, and for the process that runs it.

    if TYPE_CHECKING:
        import xlsxwriter
    else:
        xlsxwriter = lazy_import("xlsxwriter")

Good for a module that is used inside functions only; an error that stands in it shows at the first
use, so `tests/common/processes/test_lazy_import.py` reads every one of them.
"""

import sys
from importlib.util import LazyLoader, find_spec, module_from_spec
from types import ModuleType


def lazy_import(name: str) -> ModuleType:
    """Return the module of that name, loaded when one of its attributes is first used; a package
    above it is loaded immediately.

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
    # as an import would: the package above knows its part
    package, _, part = name.rpartition(".")
    if package:
        setattr(sys.modules[package], part, module)
    return module
