"""configure.py APP FILE: writes nginx's settings for the app to FILE, by its static.json when it has one.

Keys of static.json: root, clean_urls, https_only, error_page, routes, redirects, headers, proxies; what they mean is that of the
buildpacks for static sites that people know. Says on standard output what was done, or what is wrong (exit code 1).
"""

import json
import re
import sys
from pathlib import Path

KEYS = {
    "root": str,
    "clean_urls": bool,
    "https_only": bool,
    "error_page": str,
    "routes": dict,
    "redirects": dict,
    "headers": dict,
    "proxies": dict,
}


class Wrong(Exception):
    pass


def quoted(text, where):
    """A string for nginx in which nothing is special."""
    if not isinstance(text, str) or re.search(r"[\x00-\x1f$@]", text):
        raise Wrong(f'{where} has to be text without control characters, "$" and "@".')
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def pattern(glob, where):
    """A path in which * is part of a name and ** anything, as a quoted regular expression."""
    quoted(glob, where)
    parts = re.split(r"(\*\*|\*)", glob)
    regex = "".join({"**": ".*", "*": "[^/]*"}.get(part) or re.escape(part) for part in parts)
    end = "$" if glob.endswith("/") else "/?$"
    return '"^' + regex.replace("\\", "\\\\").replace('"', '\\"') + end + '"'


def read(app):
    file = app / "static.json"
    if not file.is_file():
        return {}
    try:
        settings = json.loads(file.read_text(encoding="utf-8-sig"))
    except ValueError as error:
        raise Wrong(f"static.json is no JSON: {error}. Mend it, and deploy again.")
    if not isinstance(settings, dict):
        raise Wrong("static.json has to hold an object.")
    for key, value in settings.items():
        if key not in KEYS:
            raise Wrong(f'static.json has "{key}", which is not known. There are: {", ".join(KEYS)}.')
        if not isinstance(value, KEYS[key]):
            raise Wrong(f'"{key}" of static.json has to be {KEYS[key].__name__}, not {json.dumps(value)}.')
    return settings


def find_root(app, settings):
    root = settings.get("root") or ("public" if (app / "public" / "index.html").is_file() else ".")
    folder = (app / root).resolve()
    if not folder.is_relative_to(app.resolve()) or not folder.is_dir():
        raise Wrong(f'The folder "{root}" that shall be served is not in the app. Name another as "root" in static.json.')
    quoted(root, "root of static.json")
    return root.strip("/")


def locations(settings):
    for path, rule in settings.get("redirects", {}).items():
        rule = {"url": rule} if isinstance(rule, str) else rule
        status = rule.get("status", 301)
        if status not in (301, 302, 303, 307, 308):
            raise Wrong(f'The status of the redirect "{path}" in static.json has to be 301, 302, 303, 307 or 308.')
        yield f"location ~ {pattern(path, 'A redirect of static.json')} {{ return {status} {quoted(rule.get('url'), 'The url of a redirect')}; }}"
    for path, rule in settings.get("proxies", {}).items():
        origin = rule.get("origin") if isinstance(rule, dict) else None
        if not isinstance(origin, str) or not re.match(r"https?://[^/]", origin):
            raise Wrong(f'The proxy "{path}" of static.json needs an "origin" such as "https://api.example.com/".')
        name = quoted("/" + path.strip("/") + "/", "A proxy of static.json")
        yield f"location ^~ {name} {{ proxy_ssl_server_name on; proxy_pass {quoted(origin.rstrip('/') + '/', 'The origin of a proxy')}; }}"
    files = "$uri $uri.html $uri/" if settings.get("clean_urls") else "$uri $uri/"
    routes = settings.get("routes", {})
    yield f"location / {{ try_files {files} {'@routes' if routes else '=404'}; }}"
    if routes:
        rules = (f"rewrite {pattern(path, 'A route')} {quoted('/' + str(file).lstrip('/'), 'A route of static.json')} break;" for path, file in routes.items())
        yield f"location @routes {{ {' '.join(rules)} }}"


def headers(settings):
    """One map of nginx for each name: what it says depends on the path."""
    names = {}
    for path, rules in settings.get("headers", {}).items():
        if not isinstance(rules, dict):
            raise Wrong(f'"headers" of static.json has to give names and values for "{path}".')
        for name, value in rules.items():
            if not re.fullmatch(r"[A-Za-z0-9-]+", name):
                raise Wrong(f'"{name}" in static.json cannot be the name of a header.')
            names.setdefault(name, []).append(f"~{pattern(path, 'A path of headers')[1:-1]}\0{quoted(value, f'The header {name}')}")
    for at, (name, rules) in enumerate(names.items()):
        lines = " ".join('"{}" {};'.format(*rule.split("\0")) for rule in rules)
        yield f"map $uri $header_{at} {{ default ''; {lines} }}", f"add_header {name} $header_{at} always;"


def main(app, target):
    settings = read(app)
    root = find_root(app, settings)
    maps = list(headers(settings))
    server = [added for _, added in maps]
    if settings.get("https_only"):
        server.append("if ($http_x_forwarded_proto = http) { return 301 https://$host$request_uri; }")
    if "error_page" in settings:
        server.append(f"error_page 404 500 {quoted('/' + settings['error_page'].lstrip('/'), 'error_page')};")
    server.append("location ~ /\\.(?!well-known/) { return 404; }")
    server.append("location ~ ^/(static\\.json|app\\.json|Procfile)$ { return 404; }")
    server.extend(locations(settings))
    template = (Path(__file__).parent / "nginx.conf").read_text()
    folder = "@APP@" + ("" if root in ("", ".") else "/" + root)
    text = template.replace("#MAPS#", "\n  ".join(each for each, _ in maps)).replace("#SERVER#", "\n    ".join(server)).replace("#ROOT#", f'"{folder}"')
    target.write_text(text)
    how = "as static.json says" if settings else "as they are"
    print(f"Files of {'the app' if root in ('', '.') else root + '/'} are served {how}")


try:
    main(Path(sys.argv[1]), Path(sys.argv[2]))
except Wrong as wrong:
    print(wrong)
    sys.exit(1)
