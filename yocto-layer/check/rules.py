# SPDX-License-Identifier: MIT
"""What yocto-check-layer asserts of a layer and can be read off its files; and the kas files."""

import ast
import json
import pathlib
import re

import layers
import stub

# yocto-check-layer skips these words if a README points to another one, so ours must not.
README_NEEDS = {"maintainer": "maintainer", "patch": "patch", "address": r"[^@]+@[^@]+"}

# A layer that is only there must not change what others build.
NOT_IN_LAYER_CONF = r"^\s*(INHERIT|DISTRO|DISTRO_FEATURES|MACHINE|MACHINE_FEATURES|PREFERRED_\w+)\b"

UPSTREAM_STATUS = r"^Upstream-Status: (Pending|Submitted|Backport|Denied|Inappropriate|Inactive-Upstream)"


def check(arguments):
    """Both layers."""
    findings = []
    for layer in layers.folders(arguments.workspace):
        found = check_documents(layer) + check_conf(layer) + check_appends(layer) + check_patches(layer)
        found += check_provides(layer) + check_python(layer)
        findings.extend(f"{layer.name}: {it}" for it in found)
    return findings


def check_documents(layer):
    """README, SECURITY and licence."""
    findings = []
    readme = layer / "README.md"
    text = readme.read_text(encoding="utf-8") if readme.exists() else ""
    for what, pattern in README_NEEDS.items():
        if not re.search(pattern, text, re.IGNORECASE):
            findings.append(f"README.md: there is no {what}")
    if "README" in text:
        findings.append("README.md points to another README")
    for name in ("SECURITY.md", "COPYING.MIT"):
        if not (layer / name).exists() or not (layer / name).read_text(encoding="utf-8").strip():
            findings.append(f"there is no {name}")
    return findings


def check_conf(layer):
    """layer.conf, and which kind of layer it is."""
    text = (layer / "conf/layer.conf").read_text(encoding="utf-8")
    findings = [f"layer.conf: {it.group(0).strip()} changes what others build" for it in re.finditer(NOT_IN_LAYER_CONF, text, re.M)]
    series = re.search(r'^LAYERSERIES_COMPAT_\S+ = "([^"]*)"', text, re.M)
    if not series or stub.SERIES not in series.group(1).split():
        findings.append(f"layer.conf: LAYERSERIES_COMPAT does not name {stub.SERIES}")
    depends = re.search(r'^LAYERDEPENDS_\S+ = "([^"]*)"', text, re.M)
    for name in depends.group(1).split() if depends else []:
        if name not in (*stub.COLLECTIONS, "kiosk"):
            findings.append(f"layer.conf: LAYERDEPENDS names {name}, which the README does not tell where to get")
    if list(layer.glob("conf/distro/*.conf")) and list(layer.glob("conf/machine/*.conf")):
        findings.append("a layer has distributions or machines, not both")
    return findings


def check_appends(layer):
    """Each line of an append counts only with an override of ours: others' signatures stay as they are."""
    findings = []
    for path in layer.rglob("*.bbappend"):
        for line in re.sub(r"\\\n", " ", path.read_text(encoding="utf-8")).splitlines():
            code = line.split("#")[0].strip()
            if code and not re.match(r"[A-Za-z_]+(:\w+)*:kiosk-[\w-]+\s*(:?=|\+=)", code):
                findings.append(f"{path.name}: {code!r} is not guarded by an override of this layer")
    return findings


def check_patches(layer):
    """Patches say what became of them upstream."""
    return [
        f"{path.name}: there is no valid Upstream-Status"
        for path in layer.rglob("*.patch")
        if not re.search(UPSTREAM_STATUS, path.read_text(encoding="utf-8"), re.M)
    ]


def check_provides(layer):
    """What recipes of others want under another name they get from us in our distribution only."""
    findings = []
    for path in layer.rglob("*.bb"):
        for line in re.findall(r"^R?PROVIDES.*virtual.*", path.read_text(encoding="utf-8"), re.M):
            if "DISTRO_FEATURES" not in line:
                findings.append(f"{path.name}: {line!r} changes what others build")
    return findings


def check_python(layer):
    """Modules and cases for tests are Python: BitBake reads them only when it needs them."""
    findings = []
    for path in layer.rglob("*.py"):
        try:
            ast.parse(path.read_text(encoding="utf-8"))
        except SyntaxError as error:
            findings.append(f"{path.name}: {error}")
    return findings


def check_kas(arguments):
    """Every kas file is what kas understands, and pins what it fetches."""
    import jsonschema
    import kas
    import yaml

    schema = json.loads((pathlib.Path(kas.__file__).parent / "schema-kas.json").read_text(encoding="utf-8"))
    folder = arguments.workspace / "yocto-layer/kas"
    known = set(layers.machines(arguments.workspace))
    findings = []
    built = set()
    pinned = {}
    for path in sorted(folder.rglob("*.yml")):
        try:
            content = yaml.safe_load(path.read_text(encoding="utf-8"))
        except yaml.YAMLError as error:
            findings.append(f"{path.name}: {' '.join(str(error).split())}")
            continue
        for error in jsonschema.Draft7Validator(schema).iter_errors(content):
            findings.append(f"{path.name}: {'/'.join(map(str, error.path))}: {error.message}")
        for name, repo in (content.get("repos") or {}).items():
            commit = (repo or {}).get("commit")
            if commit and pinned.setdefault(name, commit) != commit:
                findings.append(f"{path.name}: {name} is pinned to another commit than elsewhere")
            if repo and "url" in repo and not re.fullmatch("[0-9a-f]{40}", str(repo.get("commit", ""))):
                findings.append(f"{path.name}: {name} is not pinned to a commit")
            for layer in (repo or {}).get("layers") or {}:
                if "url" not in (repo or {}) and not (arguments.workspace / layer / "conf/layer.conf").exists():
                    findings.append(f"{path.name}: there is no layer {layer}")
        for include in content["header"].get("includes", []):
            if not (arguments.workspace / include).exists():
                findings.append(f"{path.name}: there is no {include}")
        if "machine" in content:
            built.add(content["machine"])
            if content["machine"] not in known:
                findings.append(f"{path.name}: there is no machine {content['machine']}")
    findings.extend(f"no kas file builds {it}" for it in sorted(known - built))
    return findings
