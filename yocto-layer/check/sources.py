# SPDX-License-Identifier: MIT
"""Where sources come from: every URL is one that BitBake's fetchers understand, with a checksum or a revision."""

import hashlib
import json
import os
import pathlib
import re
import subprocess
import sys

import layers


def check(arguments):
    """Every SRC_URI of every recipe and every append, in every variant and for every machine."""
    found, said = layers.parsed(arguments.workspace)
    appended, also_said = layers.appended(arguments.workspace)
    findings = said + also_said
    for path, _, data in found:
        findings.extend(f"{path}: {it}" for it in check_licences(arguments.workspace, data) + check_tests(arguments.workspace, data))
    count = 0
    for path, variant, data in found + appended:
        uris = (data.getVar("SRC_URI") or "").split()
        count += len(uris)
        for uri in uris:
            findings.extend(f"{path} ({variant or 'target'}): {it}" for it in check_uri(uri, data))
    print(f"sources: {count} URLs", file=sys.stderr)
    return findings


def check_uri(uri, data):
    """One URL, as BitBake's own fetchers see it."""
    import bb.fetch2

    try:
        fetcher = bb.fetch2.Fetch([uri], data, cache=False)
        one = fetcher.ud[uri]
        one.setup_localpath(data)
    except (bb.fetch2.BBFetchException, bb.data_smart.ExpansionError) as error:
        return [f"{uri}: {error}"]
    if one.type == "file":
        return [] if os.path.exists(one.localpath) else [f"{uri}: there is no such file"]
    if one.type in ("git", "gitsm"):
        revision = one.revision or ""
        return [] if re.fullmatch("[0-9a-f]{40}", revision) else [f"{uri}: {revision!r} is no revision"]
    checksum = one.sha256_expected or ""
    return [] if re.fullmatch("[0-9a-f]{64}", checksum) else [f"{uri}: there is no SHA-256 of it"]


def check_licences(workspace, data):
    """Texts of licences that lie in the workspace are the ones that were read."""
    findings = []
    ours = [uri_path(workspace, uri) for uri in (data.getVar("SRC_URI") or "").split() if uri.startswith("file://")]
    for text in (data.getVar("LIC_FILES_CHKSUM") or "").split():
        name, _, sum_of = text.removeprefix("file://").partition(";md5=")
        path = workspace / name
        if path in ours:
            is_sum = hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()
            if is_sum != sum_of:
                findings.append(f"LIC_FILES_CHKSUM: {name} has the MD5 {is_sum}")
    return findings


def check_tests(workspace, data):
    """What is compiled into the tests that a recipe brings along is among its sources: a dry run does not compile."""
    packages = (data.getVar("KIOSK_PTEST_PACKAGES") or "").split()
    sources = [workspace / it for it in (data.getVar("KIOSK_SOURCES") or "").split()]
    sources += [uri_path(workspace, uri) for uri in (data.getVar("SRC_URI") or "").split() if uri.startswith("file://")]
    findings = []
    for path in sorted(it for package in packages for it in (workspace / package).rglob("*.rs")):
        for name in re.findall(r'include_(?:str|bytes)!\(\s*"([^"]+)"', path.read_text(encoding="utf-8")):
            included = pathlib.Path(os.path.normpath(path.parent / name))
            if not any(included.is_relative_to(it) for it in sources):
                findings.append(f"{path.name} is a test that includes {name}, which is not in SRC_URI")
    return findings


def uri_path(workspace, uri):
    """Where a file of the workspace lies that SRC_URI names."""
    return workspace / uri.removeprefix("file://").split(";")[0]


def check_crates(arguments):
    """The crates that recipes fetch are those that cargo itself names for the workspace, with the lock's checksums."""
    found, said = layers.parsed(arguments.workspace)
    wanted = cargo_packages(arguments.workspace)
    checksums = lock_checksums(arguments.workspace)
    findings = list(said)
    recipes = 0
    for path, variant, data in found:
        uris = [uri for uri in (data.getVar("SRC_URI") or "").split() if uri.startswith("crate://")]
        if not uris:
            continue
        recipes += 1
        derived = {tuple(uri.split("/")[-2:]) for uri in uris}
        for name, version in sorted(wanted - derived):
            findings.append(f"{path} ({variant or 'target'}): cargo wants {name} {version}, which is not fetched")
        for name, version in sorted(derived - wanted):
            findings.append(f"{path} ({variant or 'target'}): {name} {version} is fetched, but cargo does not know it")
        for name, version in sorted(derived & wanted):
            checksum = data.getVarFlag("SRC_URI", f"{name}-{version}.sha256sum")
            if checksum != checksums.get((name, version)):
                findings.append(f"{path} ({variant or 'target'}): {name} {version} has another checksum than in Cargo.lock")
    if not recipes:
        findings.append("no recipe fetches crates")
    print(f"crates: {len(wanted)} in {recipes} recipes", file=sys.stderr)
    return findings


def lock_checksums(workspace):
    """SHA-256 of each crate, read off the lines of Cargo.lock."""
    text = (workspace / "Cargo.lock").read_text(encoding="utf-8")
    lines = r'name = "(.+)"\nversion = "(.+)"\nsource = ".+"\nchecksum = "(.+)"'
    return {(name, version): checksum for name, version, checksum in re.findall(lines, text)}


def cargo_packages(workspace):
    """Names and versions of all packages that are not the workspace's own, as `cargo metadata` has them."""
    command = [os.environ.get("CARGO", "cargo"), "metadata", "--format-version=1", "--locked"]
    done = None
    # Other platforms' crates are not on a machine that only builds: cargo gets their manifests where it gets crates.
    for more in (["--offline"], []):
        done = subprocess.run(command + more, cwd=workspace, capture_output=True, text=True, check=False)
        if done.returncode == 0:
            packages = json.loads(done.stdout)["packages"]
            return {(it["name"], it["version"]) for it in packages if it["source"]}
    raise SystemExit(f"cargo metadata: {done.stderr}")
