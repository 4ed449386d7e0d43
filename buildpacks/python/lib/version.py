"""Which Python a project asks for, and which of those that there are fits.

version.py ask FOLDER            prints three lines: a range (PEP 440), the file that says it, how it is said there; the file of a
                                 project that names none is `none`. Files that hold nothing but a version are read by interpreter.sh
version.py pick RANGE VERSION... prints the newest version in the range; nothing when there is none
Runs with pip's wheel on the path: ranges mean here what they mean to pip.
"""

import json
import re
import sys
from pathlib import Path

from pip._vendor.packaging.specifiers import InvalidSpecifier, SpecifierSet
from pip._vendor.packaging.version import Version

try:
    import tomllib
except ImportError:
    from pip._vendor import tomli as tomllib

DEFAULT = ">=3.13,<3.15"


def from_range(text):
    """A range as of requires-python, or Poetry's ^3.12 and ~3.12."""
    shown = text.strip()
    caret = re.fullmatch(r"\^\s*(\d+)((?:\.\d+)*)", shown)
    if caret:
        return f">={shown[1:].strip()},<{int(caret[1]) + 1}", shown
    tilde = re.fullmatch(r"~\s*(\d+\.\d+)((?:\.\d+)?)", shown)
    if tilde:
        return f">={shown[1:].strip()},=={tilde[1]}.*", shown
    bare = re.fullmatch(r"\d+(\.\d+)*", shown)
    spec = (f"=={shown}" if shown.count(".") == 2 else f"=={shown}.*") if bare else shown
    SpecifierSet(spec)
    return spec, shown


def read(path):
    return path.read_text(encoding="utf-8-sig")


def ask(folder):
    if (folder / "Pipfile.lock").is_file():
        requires = json.loads(read(folder / "Pipfile.lock")).get("_meta", {}).get("requires", {})
        text = requires.get("python_full_version") or requires.get("python_version")
        if text:
            return (*from_range(text), "Pipfile.lock")
    for name, *keys in (
        ("Pipfile", "requires"),
        ("uv.lock",),
        ("pyproject.toml", "project"),
        ("pyproject.toml", "tool", "poetry", "dependencies"),
    ):
        if not (folder / name).is_file():
            continue
        part = tomllib.loads(read(folder / name))
        for key in keys:
            part = part.get(key, {})
        wanted = {"Pipfile": ("python_full_version", "python_version"), "uv.lock": ("requires-python",)}
        for key in wanted.get(name, ("requires-python", "python")):
            if isinstance(part.get(key), str):
                return (*from_range(part[key]), name)
    return DEFAULT, "", "none"


def main(command, *arguments):
    if command == "pick":
        spec = SpecifierSet(arguments[0])
        print(max(filter(spec.contains, arguments[1:]), key=Version, default=""))
        return
    spec, shown, where = ask(Path(arguments[0]))
    print(spec, where, shown, sep="\n")


try:
    main(*sys.argv[1:])
except (InvalidSpecifier, tomllib.TOMLDecodeError, json.JSONDecodeError) as error:
    print(f"The Python version that the project asks for cannot be read: {error}")
    sys.exit(1)
