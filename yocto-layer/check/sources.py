# SPDX-License-Identifier: MIT
"""Where sources come from: every URL is one that BitBake's fetchers understand, with a checksum or a revision."""

import json
import os
import re
import subprocess
import sys

import layers


def check(arguments):
    """Every SRC_URI of every recipe, in every variant."""
    found, said = layers.parsed(arguments.workspace)
    findings = list(said)
    count = 0
    for path, variant, data in found:
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


def check_crates(arguments):
    """The crates that recipes fetch are those that cargo itself names for the workspace."""
    found, said = layers.parsed(arguments.workspace)
    wanted = cargo_packages(arguments.workspace)
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
    if not recipes:
        findings.append("no recipe fetches crates")
    print(f"crates: {len(wanted)} in {recipes} recipes", file=sys.stderr)
    return findings


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
