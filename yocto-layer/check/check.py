#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Checks the Yocto layers without a network and without openembedded-core: `./dev check yocto`.

Every check is a function that returns what it has found, one sentence a line; nothing found is good.
"""

import argparse
import pathlib
import subprocess
import sys
import time

import layers
import layout
import rules
import sources


def main():
    """Runs the checks that are asked for; the exit status says whether anything was found."""
    checks = {
        "rules": rules.check,
        "parse": layers.check,
        "sources": sources.check,
        "crates": sources.check_crates,
        "layout": layout.check,
        "kas": rules.check_kas,
        "lint": check_lint,
    }
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workspace", type=pathlib.Path, default=pathlib.Path(__file__).parents[2])
    parser.add_argument("--image-tool", type=pathlib.Path, required=True, help="the program kiosk-image")
    parser.add_argument("--only", action="append", choices=checks, help="leave out the others")
    arguments = parser.parse_args()
    arguments.workspace = arguments.workspace.resolve()
    total = 0
    for name in arguments.only or checks:
        started = time.monotonic()
        findings = checks[name](arguments)
        for finding in findings:
            print(f"{name}: {finding}")
        total += len(findings)
        print(f"{name}: {len(findings)} findings, {time.monotonic() - started:.1f} s", file=sys.stderr)
    return 1 if total else 0


# Rules that do not fit: public pages there are none of (the first rule also asks the network for them); the version of
# recipes is the workspace's, and so is SRC_URI, which the check `sources` reads in full; packages that are split off say
# what is in them; what is in the layer itself has the layer's licence; variables of ours are not the rule's.
LINT_SUPPRESSED = [
    "oelint.vars.homepageping",
    "oelint.var.mandatoryvar.HOMEPAGE",
    "oelint.var.mandatoryvar.SRC_URI",
    "oelint.file.underscores",
    "oelint.var.filesoverride",
    "oelint.var.licenseremotefile",
    "oelint.vars.mispell.unknown",
]


def check_lint(arguments):
    """oelint-adv with the rules of the series."""
    folder = arguments.workspace / "yocto-layer"
    files = sorted(it for end in ("bb", "bbappend") for it in folder.rglob(f"*.{end}"))
    command = [pathlib.Path(sys.executable).with_name("oelint-adv"), "--release=wrynose", "--extra-layer=rauc"]
    command += ["--mode=all", "--jobs=2", "--quiet", "--hide=info"]
    command += [f"--constantmods=+{pathlib.Path(__file__).with_name('constants.json')}"]
    command += [f"--suppress={it}" for it in LINT_SUPPRESSED] + files
    done = subprocess.run(command, capture_output=True, text=True, cwd=folder, check=False)
    findings = [line for line in (done.stdout + done.stderr).splitlines() if line.strip()]
    if done.returncode and not findings:
        findings.append(f"oelint-adv ended with {done.returncode}")
    return findings


if __name__ == "__main__":
    sys.exit(main())
