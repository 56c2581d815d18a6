# SPDX-License-Identifier: MIT
"""The crates of a workspace, as its Cargo.lock names them."""

import tomllib


class LockError(ValueError):
    """A Cargo.lock whose packages BitBake's crate fetcher cannot get."""


def registry(source):
    """The name under which the crate fetcher knows a registry: that of its index without "-index"."""
    kind, _, url = source.partition("+")
    name = url.rstrip("/").rpartition("/")[2]
    if kind != "registry" or not name.endswith("-index"):
        raise LockError(f"{source}: only registries with an index repository can be fetched")
    return name.removesuffix("-index")


def read(path):
    """Every package that is not the workspace's own: a list of (URI, name of its checksum, SHA-256)."""
    with open(path, "rb") as lock:
        packages = tomllib.load(lock)["package"]
    found = []
    for package in packages:
        if "source" not in package:
            continue
        name, version = package["name"], package["version"]
        if "checksum" not in package:
            raise LockError(f"{path}: {name} {version} has no checksum")
        uri = f"crate://{registry(package['source'])}/{name}/{version}"
        found.append((uri, f"{name}-{version}", package["checksum"]))
    return found


def licences(path):
    """What a program under GPL-3.0-only with its crates is under: deny.toml names all licences that it lets in."""
    with open(path, "rb") as deny:
        allowed = set(tomllib.load(deny)["licenses"]["allow"]) - {"GPL-3.0-only"}
    return " & ".join(["GPL-3.0-only", *sorted(it.replace(" WITH ", "-with-") for it in allowed)])


def members(path):
    """Folders of the workspace's own packages, from the workspace's Cargo.toml."""
    with open(path, "rb") as manifest:
        return tomllib.load(manifest)["workspace"]["members"]


def version(path):
    """The version that the workspace's packages share."""
    with open(path, "rb") as manifest:
        return tomllib.load(manifest)["workspace"]["package"]["version"]
