"""Which Python a project asks for, and which of those that there are fits.

version.py ask FOLDER KEPT       prints three lines: a range (PEP 440), where it is said, how it is said there; KEPT is the version
                                 of the app's last build, for projects that name none
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


class Unreadable(Exception):
    pass


def from_plain(text, file):
    """A whole version or one without its last part, as in runtime.txt and .python-version."""
    lines = [line.split("#")[0].strip() for line in text.splitlines()]
    lines = [line for line in lines if line]
    found = re.fullmatch(r"(?:python-|cpython-)?(\d+)(?:\.(\d+))?(?:\.(\d+))?", lines[0]) if len(lines) == 1 else None
    if not found:
        raise Unreadable(f'{file} has to hold one line with a version such as "3.13" or "3.13.5".')
    parts = [part for part in found.groups() if part]
    return "==" + ".".join(parts) + ("" if len(parts) == 3 else ".*"), ".".join(parts)


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


def ask(folder, kept):
    for name in ("runtime.txt", ".python-version"):
        if (folder / name).is_file():
            return (*from_plain(read(folder / name), name), name)
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
    if kept:
        return f"=={kept}", kept, "the last build"
    return DEFAULT, "", "default"


def main(command, *arguments):
    if command == "pick":
        spec = SpecifierSet(arguments[0])
        print(max(filter(spec.contains, arguments[1:]), key=Version, default=""))
        return
    spec, shown, where = ask(Path(arguments[0]), arguments[1])
    print(spec, where, shown, sep="\n")


try:
    main(*sys.argv[1:])
except (Unreadable, InvalidSpecifier, tomllib.TOMLDecodeError, json.JSONDecodeError) as error:
    print(f"The Python version that the project asks for cannot be read: {error}")
    sys.exit(1)
