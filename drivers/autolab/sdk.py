"""The SDK as the rest of the child sees it: loaded by configuration, its members set strictly, its errors in words."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from daq.clock import Clock
from daq.errors import InstrumentError

ASSEMBLY = "EcoChemie.Autolab.Sdk"
EXTENSION = "EcoChemie.Autolab.SDK.Extensions"


@dataclass(frozen=True)
class Sdk:
    """The vendor's names that are used, of the real assembly or of a stand-in. `extensions` is None where absent."""

    instrument: Callable[[], Any]
    ei: Any
    wave_type: Any
    extensions: Any = None
    version: str = ""


def load_sdk(kind: str, folder: str, settings: dict[str, Any], clock: Clock, name: str) -> Sdk:
    """Raises InstrumentError with the cause when it can't be loaded."""
    if kind in ("dotnet", "dotnet-core"):
        return _dotnet(Path(folder), kind == "dotnet-core", name)
    module, _, function = kind.partition(":")
    factory: Callable[[dict[str, Any], Clock], Sdk] = getattr(importlib.import_module(module), function)
    return factory(settings, clock)


def _dotnet(folder: Path, is_core: bool, name: str) -> Sdk:
    assembly = folder / f"{ASSEMBLY}.dll"
    if not assembly.is_file():
        raise InstrumentError(
            name,
            f"the Autolab SDK is not in {folder} ({assembly.name} is missing); install it from the maker's website "
            "and set sdk_folder to its folder",
        )
    try:
        if is_core:
            _choose_core()
        clr = importlib.import_module("clr")
    except ImportError as error:
        raise InstrumentError(name, f"pythonnet is missing ({error}); pip install 'cellrig[autolab]'") from error
    sys.path.append(str(folder))
    try:
        clr.AddReference(str(assembly.with_suffix("")))
        names: Any = importlib.import_module(ASSEMBLY)
    except Exception as error:  # whatever .NET throws: told with its type, for the cause is in it
        raise InstrumentError(name, f"the SDK in {folder} can't be loaded: {describe(error)}") from error
    extensions = None
    if (folder / f"{EXTENSION}.dll").is_file():
        clr.AddReference(str(folder / EXTENSION))
        extensions = importlib.import_module(EXTENSION).InstrumentExtensions
    reflection: Any = importlib.import_module("System.Reflection")
    version = str(reflection.AssemblyName.GetAssemblyName(str(assembly)).Version)
    return Sdk(names.Instrument, names.EI, names.FraWaveType, extensions, version)


def _choose_core() -> None:
    """The .NET Core of the package dotnetcore2, for the contract tests on Linux; users have .NET Framework."""
    import json
    import tempfile

    pythonnet = importlib.import_module("pythonnet")
    loader = importlib.import_module("clr_loader")
    root = Path(str(importlib.import_module("dotnetcore2").__file__)).parent / "bin"
    runtime = {
        "tfm": "netcoreapp3.1",
        "framework": {"name": "Microsoft.NETCore.App", "version": "3.1.0"},
        "configProperties": {"System.Globalization.Invariant": True},
    }
    place = Path(tempfile.mkdtemp()) / "cellrig.runtimeconfig.json"
    place.write_text(json.dumps({"runtimeOptions": runtime}), encoding="utf-8")
    pythonnet.set_runtime(loader.get_coreclr(runtime_config=str(place), dotnet_root=str(root)))


def put(owner: Any, member: str, value: Any, name: str) -> None:
    """Set a member that is really there: pythonnet takes a typo as a new attribute and says nothing."""
    if not hasattr(type(owner), member):
        raise InstrumentError(name, f"this SDK has no {type(owner).__name__}.{member}; another SDK version?")
    setattr(owner, member, value)


def describe(error: BaseException) -> str:
    """An exception of .NET in one line: its type and first sentence."""
    text = str(error).strip().splitlines()
    return f"{type(error).__name__}: {text[0] if text else 'no text'}"


def in_words(error: BaseException, name: str) -> InstrumentError:
    """The SDK's exception with cause and remedy where the text is a known one."""
    text = describe(error)
    lower = text.lower()
    if "access denied" in lower or "access is denied" in lower:
        return InstrumentError(name, f"another program holds the instrument; close NOVA and try again ({text})")
    if "SetValue(18,29," in text:
        return InstrumentError(name, f"the instrument refuses this current range; is the model right? ({text})")
    return InstrumentError(name, f"the SDK failed: {text}")
