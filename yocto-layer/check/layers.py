# SPDX-License-Identifier: MIT
"""Reads the layers with BitBake's own parser, over a core layer of nothing (stub.py)."""

import contextlib
import functools
import logging
import os
import pathlib
import sys
import tempfile

import stub

# The machine that recipes are read for; the configurations of all are.
MACHINE = "kiosk-qemux86-64"


class Messages(logging.Handler):
    """Warnings and errors of BitBake, which it logs instead of raising them."""

    def __init__(self):
        super().__init__(logging.WARNING)
        self.texts = []

    def emit(self, record):
        self.texts.append(record.getMessage())


def folders(workspace):
    """Our layers, in the order of bblayers.conf."""
    return [workspace / "yocto-layer" / name for name in ("meta-kiosk", "meta-kiosk-bsp")]


def machines(workspace):
    """Names of all machines."""
    return sorted(path.stem for it in folders(workspace) for path in it.glob("**/conf/machine/*.conf"))


def recipes(workspace):
    """Recipes of both layers."""
    return sorted(path for it in folders(workspace) for path in it.glob("recipes-*/*/*.bb"))


@functools.cache
def scratch():
    """A folder that lives as long as this process, with what `import bb` needs besides bb."""
    folder = tempfile.TemporaryDirectory(prefix="kiosk-layers-")
    stub.make_shims(pathlib.Path(folder.name) / "shims")
    sys.path.insert(0, str(pathlib.Path(folder.name) / "shims"))
    return folder


def parse_configuration(workspace, machine):
    """BitBake's data after conf/ of all layers for a machine, with what it said; the builder is None if it failed."""
    root = pathlib.Path(scratch().name)
    import bb.cookerdata
    import bb.fetch2
    import bb.parse

    build = stub.make(root / machine, folders(workspace), machine)
    messages = Messages()
    logger = logging.getLogger("BitBake")
    logger.propagate = False
    logger.handlers = [messages]
    configuration = bb.cookerdata.CookerConfiguration()
    configuration.env = {"PATH": os.environ["PATH"], "TOPDIR": str(build), "HOME": str(build)}
    builder = bb.cookerdata.CookerDataBuilder(configuration, True)
    builder.basedata.setVar("TOPDIR", str(build))
    # Layers of others are found by their collections; nothing is parsed twice.
    bb.parse.siggen = bb.siggen.init(builder.basedata)
    with contextlib.chdir(build):
        try:
            builder.parseBaseConfiguration(worker=True)
        except BaseException as error:
            if isinstance(error, KeyboardInterrupt):
                raise
            messages.texts.append(f"{machine}: {type(error).__name__} {error}")
            builder = None
    return builder, messages


@functools.cache
def parsed(workspace):
    """Every recipe in every variant: a list of (file, variant, data), and what BitBake said."""
    builder, messages = parse_configuration(workspace, MACHINE)
    found = []
    if builder is None:
        return found, messages.texts
    for path in recipes(workspace):
        try:
            variants = builder.parseRecipeVariants(str(path), [], layername="kiosk")
        except BaseException as error:
            if isinstance(error, KeyboardInterrupt):
                raise
            messages.texts.append(f"{path}: {type(error).__name__} {error}")
            continue
        for variant, data in variants.items():
            skipped = data.getVar("__SKIPPED")
            if skipped:
                messages.texts.append(f"{path}: skipped: {skipped}")
            found.append((path, variant, data))
    return found, messages.texts


@functools.cache
def appended(workspace):
    """Every append to a recipe of others, for every machine: a list of (file, machine, data), and what BitBake said.

    What it is appended to is a recipe of nothing.
    """
    found, said = [], []
    appends = sorted(path for it in folders(workspace) for path in it.rglob("*.bbappend"))
    for machine in machines(workspace):
        builder, messages = parse_configuration(workspace, machine)
        if builder is None:
            return found, messages.texts
        for path in appends:
            recipe = pathlib.Path(scratch().name) / "appended" / f"{path.stem.removesuffix('_%')}_1.0.bb"
            recipe.parent.mkdir(exist_ok=True)
            recipe.write_text('SUMMARY = "Of others"\nLICENSE = "MIT"\n', encoding="utf-8")
            try:
                data = builder.parseRecipeVariants(str(recipe), [str(path)], layername="core")[""]
            except BaseException as error:
                if isinstance(error, KeyboardInterrupt):
                    raise
                messages.texts.append(f"{path}: {type(error).__name__} {error}")
                continue
            found.append((path, machine, data))
        said.extend(messages.texts)
    return found, said


def check(arguments):
    """All configurations, recipes and appends are understood."""
    findings = []
    for machine in machines(arguments.workspace):
        builder, messages = parse_configuration(arguments.workspace, machine)
        findings.extend(messages.texts)
        if builder is not None:
            findings.extend(check_machine(builder.data, machine))
    findings.extend(appended(arguments.workspace)[1])
    found, said = parsed(arguments.workspace)
    findings.extend(said)
    if not found:
        findings.append("there is no recipe")
    for path, _, data in found:
        findings.extend(check_tasks(path, data))
    return findings


def check_machine(data, machine):
    """Small kiosk boxes have no AVX2, which is the series' default."""
    if "x86" in machine and data.getVar("DEFAULTTUNE") not in ("core2-64", "corei7-64"):
        return [f"{machine}: DEFAULTTUNE is {data.getVar('DEFAULTTUNE')}, which Atoms and Celerons do not understand"]
    return []


def check_tasks(path, data):
    """No task but the fetch may use the network."""
    names = data.getVar("__BBTASKS", False) or []
    return [
        f"{path}: {name} uses the network" for name in names if name != "do_fetch" and data.getVarFlag(name, "network")
    ]
