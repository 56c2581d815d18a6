#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Every check fails when what it looks at is broken, and the installer writes what it says it wrote."""

import hashlib
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

HERE = pathlib.Path(__file__).resolve().parent
WORKSPACE = HERE.parents[1]
TOOL = os.environ["KIOSK_IMAGE_TOOL"]
KIOSK = "yocto-layer/meta-kiosk"
BSP = "yocto-layer/meta-kiosk-bsp"

# What is broken, where (a pattern and what takes its place; None takes the file away), and what has to be said of it.
BROKEN = {
    "parse": [
        ("a line without an end", f"{KIOSK}/recipes-kiosk/kioskd/kioskd.bb", r'^SECTION = "apps"$', 'SECTION = "apps', "kioskd.bb"),
        ("a class that nobody has", f"{KIOSK}/recipes-kiosk/kioskd/kioskd.bb", "features_check", "feature_check", "feature_check"),
        ("a file that nobody has", f"{KIOSK}/recipes-core/images/kiosk-image.bb", "kiosk-image.inc", "kiosk-images.inc", "kiosk-images.inc"),
        ("another series", f"{KIOSK}/conf/layer.conf", 'kiosk = "wrynose"', 'kiosk = "scarthgap"', "scarthgap"),
        ("an append without an end", f"{BSP}/recipes-kernel/linux/linux-yocto_%.bbappend", 'kiosk-x86.cfg"$', "kiosk-x86.cfg", "linux-yocto"),
        ("network while compiling", f"{KIOSK}/recipes-kiosk/kiosk-esp/kiosk-esp.bb", r"^addtask deploy", 'do_compile[network] = "1"\naddtask deploy', "uses the network"),
        ("a processor that kiosks do not have", f"{BSP}/conf/machine/include/kiosk-x86.inc", "corei7-64", "x86-64-v3", "x86-64-v3"),
        ("no Cargo.lock", "Cargo.lock", None, None, "Cargo.lock"),
        ("no list of licences", "deny.toml", None, None, "deny.toml"),
        ("a crate without a checksum", "Cargo.lock", r'^checksum = "01c0457472c38ea5.*$', "", "has no checksum"),
        ("a crate from a repository", "Cargo.lock", r'^source = "registry\+[^"]*"', 'source = "git+ssh://example/x"', "only registries"),
    ],
    "sources": [
        ("a file that is not there", f"{KIOSK}/recipes-kiosk/kiosk-esp/kiosk-esp.bb", "file://LICENSE;subdir", "file://LICENCE;subdir", "no such file"),
        ("half a revision", f"{KIOSK}/recipes-speech/pocketsphinx/pocketsphinx_5.1.1.bb", "511126b492dcb267cf30d49d631946d7b61a9530", "511126b492dc", "511126b492dc"),
        ("checksums that are dropped", f"{KIOSK}/classes-recipe/kiosk_workspace.bbclass", "sha256sum", "md5sum", "no SHA-256"),
        ("a file that an append names", f"{BSP}/recipes-kernel/linux/linux-yocto_%.bbappend", "kiosk-x86.cfg", "kiosk-x87.cfg", "kiosk-x87.cfg"),
        ("an append of the i.MX", f"{BSP}/dynamic-layers/freescale-layer/recipes-kernel/linux/linux-fslc_%.bbappend", r"file://(\S+)\.cfg", r"file://\1.cgf", ".cgf"),
        ("a licence that was changed", f"{KIOSK}/classes-recipe/kiosk_workspace.bbclass", "md5=cc16", "md5=dd16", "LICENSE has the MD5"),
        ("tests that need more than there is", f"{KIOSK}/recipes-kiosk/kioskd/kioskd.bb", 'KIOSK_PTEST_PACKAGES = "domain"', 'KIOSK_PTEST_PACKAGES = "kioskd"', "settings.md, which is not in SRC_URI"),
        ("a fetcher that there is not", f"{KIOSK}/lib/kiosk/crates.py", "crate://", "crates://", "crates://"),
    ],
    "crates": [
        ("a crate that is left out", f"{KIOSK}/lib/kiosk/crates.py", 'if "source" not in package:', 'if "source" not in package or package["name"] == "ring":', "cargo wants ring"),
        ("a checksum of another crate", f"{KIOSK}/lib/kiosk/crates.py", 'package\\["checksum"\\]', 'packages[-1]["checksum"]', "another checksum"),
        ("a wrong version", f"{KIOSK}/lib/kiosk/crates.py", 'package\\["version"\\]', 'package["version"] + ".1"', "cargo does not know it"),
    ],
    "layout": [
        ("a size", f"{KIOSK}/lib/kiosk/layout.py", r"partition\['size_mib'\]\}M", "partition['size_mib'] + 1}M", "fixed-size"),
        ("an id", f"{KIOSK}/lib/kiosk/layout.py", r"--uuid \{partition\['uuid'\]\}", "--uuid {partition['label']}", "uuid"),
        ("the order", f"{KIOSK}/lib/kiosk/layout.py", r'for it in layout\["partition"\]', 'for it in reversed(layout["partition"])', "grub.cfg boots"),
        ("a type", f"{KIOSK}/lib/kiosk/layout.py", "0fc63daf-8483", "0fc63daf-8484", "type 0fc63daf-8484"),
        ("a partition too many", f"{KIOSK}/lib/kiosk/layout.py", r'if not it.get\("grow", False\)', "", "6 partitions"),
        ("another model", f"{KIOSK}/recipes-core/bundles/kiosk-bundle.bb", r"kiosk-\$\{KIOSK_MODEL\}", "kiosk-oak", "kiosk-oak"),
        ("a slot is left out", f"{KIOSK}/recipes-core/bundles/kiosk-bundle.bb", '"boot root"', '"root"', "kiosks have boot root"),
        ("an unsigned format", f"{KIOSK}/recipes-core/bundles/kiosk-bundle.bb", 'FORMAT = "verity"', 'FORMAT = "plain"', "plain"),
        ("a module of GRUB", "image/grub-modules.list", r"^regexp\n", "", "lacks regexp"),
        ("no grubenv", f"{KIOSK}/classes-recipe/image_types_kiosk.bbclass", r".*kiosk-esp/grubenv.*\n", "", "grubenv"),
        ("a number of a user", f"{KIOSK}/files/kiosk-passwd", "kioskd:x:900:900", "kioskd:x:901:901", "kioskd has 901"),
        ("a number of a group", "systemd/usr/lib/sysusers.d/kiosk.conf", "g gpio 910", "g gpio 909", "gpio has 910"),
        ("a group of a user", f"{KIOSK}/files/kiosk-passwd", "kioskd:x:900:900", "kioskd:x:900:901", "kioskd has the group 901"),
        ("another table of partitions", f"{KIOSK}/files/wic/kiosk.wks.in", "gpt", "msdos", "msdos"),
        ("no partitions", f"{KIOSK}/files/wic/kiosk.wks.in", r"\$\{KIOSK_WKS_PARTITIONS\}", "", "0 partitions"),
        ("no place for a boards first program", f"{KIOSK}/files/wic/kiosk.wks.in", r"\$\{KIOSK_WKS_BOOTLOADER\}", "", "KIOSK_WKS_BOOTLOADER"),
        ("a number twice", f"{KIOSK}/files/kiosk-group", "spi:x:912", "spi:x:911", "there twice"),
        ("a unit that is gone", "systemd/usr/lib/systemd/system/kiosk-health.service", None, None, "kiosk-health.service"),
        ("a unit that is not enabled", "systemd/usr/lib/systemd/system-preset/10-kiosk.preset", "enable kioskd.service\n", "", "kioskd.service"),
        ("a file that is gone", "systemd/etc/hosts", None, None, "etc/hosts"),
    ],
    "rules": [
        ("no maintainer", f"{KIOSK}/README.md", "(?i)maintain", "keep", "maintainer"),
        ("another README", f"{BSP}/README.md", "## Patches", "See README.second.\n\n## Patches", "another README"),
        ("no SECURITY", f"{BSP}/SECURITY.md", None, None, "SECURITY.md"),
        ("an append for everybody", f"{BSP}/recipes-kernel/linux/linux-yocto_%.bbappend", "SRC_URI:append:kiosk-x86", "SRC_URI:append", "is not guarded"),
        ("a class for everybody", f"{KIOSK}/conf/layer.conf", r"\Z", 'INHERIT += "useradd-staticids"\n', "changes what others build"),
        ("a provider for everybody", f"{KIOSK}/recipes-kiosk/kiosk-config/kiosk-config.bb", r"^RPROVIDES.*$", 'RPROVIDES:${PN} = "virtual-rauc-conf"', "changes what others build"),
        ("features for everybody", f"{BSP}/conf/layer.conf", r"\Z", 'DISTRO_FEATURES:append = " wayland"\n', "changes what others build"),
        ("a case that is no Python", f"{KIOSK}/lib/oeqa/runtime/cases/kiosk.py", r"def output\(", "def output((", "kiosk.py"),
        ("a layer that it needs is missing", f"{KIOSK}/conf/layer.conf", "core openembedded-layer", "core qt6-layer", "qt6-layer"),
        ("no series", f"{BSP}/conf/layer.conf", r"LAYERSERIES_COMPAT.*", "", "LAYERSERIES_COMPAT"),
    ],
    "kas": [
        ("not pinned", "yocto-layer/kas/include/base.yml", r"    commit: fae9db31.*\n", "", "bitbake is not pinned"),
        ("two pins of one repository", "yocto-layer/kas/kiosk-rpi5.yml", r"commit: \w{8}", "commit: 00000000", "another commit"),
        ("no YAML", "yocto-layer/kas/kiosk-rpi5.yml", r"^header:", "header: [", "kiosk-rpi5.yml"),
        ("a word that kas does not know", "yocto-layer/kas/kiosk-rpi4.yml", "machine:", "machines:", "machines"),
        ("a machine that there is not", "yocto-layer/kas/kiosk-rpi5.yml", "kiosk-rpi5", "kiosk-rpi6", "kiosk-rpi6"),
        ("a layer that there is not", "yocto-layer/kas/include/base.yml", "yocto-layer/meta-kiosk-bsp", "yocto-layer/meta-kiosks", "meta-kiosks"),
    ],
    "lint": [
        ("no summary", f"{KIOSK}/recipes-kiosk/kiosk-fonts/kiosk-fonts.bb", r"^SUMMARY.*\n", "", "SUMMARY"),
    ],
}


def copy(folder, check):
    """The workspace, of which only the small parts are copied, and only what a check needs to be quick."""
    deep = {"Cargo.lock", "image", "systemd", "yocto-layer"}
    for path in WORKSPACE.iterdir():
        if path.name in deep:
            (shutil.copytree if path.is_dir() else shutil.copy)(path, folder / path.name, **({"symlinks": True} if path.is_dir() else {}))
        elif path.name not in (".git", "target"):
            (folder / path.name).symlink_to(path)
    if check != "crates":
        lock = folder / "Cargo.lock"
        lock.write_text("[[package]]".join(lock.read_text(encoding="utf-8").split("[[package]]")[:10]), encoding="utf-8")
    if check == "lint":
        for recipe in folder.glob("yocto-layer/*/recipes-*/*"):
            if recipe.name != "kiosk-fonts":
                shutil.rmtree(recipe)


class Checks(unittest.TestCase):
    """Each check is run on a copy of the workspace in which one thing is broken."""

    def run_check(self, workspace, name):
        """The check's status and what it says."""
        command = [sys.executable, HERE / "check.py", f"--workspace={workspace}", f"--image-tool={TOOL}", f"--only={name}"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        return done.returncode, done.stdout + done.stderr

    def break_one(self, name, file, pattern, replacement, wanted):
        """Breaks, checks, compares."""
        with tempfile.TemporaryDirectory(prefix="kiosk-broken-") as folder:
            workspace = pathlib.Path(folder)
            copy(workspace, name)
            path = workspace / file
            if pattern is None:
                path.unlink()
            else:
                text, count = re.subn(pattern, replacement, path.read_text(encoding="utf-8"), count=0, flags=re.M)
                self.assertTrue(count, f"{file} has no {pattern}")
                path.write_text(text, encoding="utf-8")
            status, said = self.run_check(workspace, name)
        self.assertEqual(status, 1, said)
        self.assertIn(wanted, said)


for check, cases in BROKEN.items():
    for what, *rest in cases:
        setattr(
            Checks,
            f"test_{check}_{what.replace(' ', '_')}",
            lambda self, check=check, rest=rest: self.break_one(check, *rest),
        )


class Installer(unittest.TestCase):
    """kiosk-install.sh with a folder for a stick and a file for a disk."""

    SCRIPT = WORKSPACE / KIOSK / "recipes-kiosk/kiosk-install/files/kiosk-install.sh"

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="kiosk-install-")
        self.addCleanup(folder.cleanup)
        self.stick = pathlib.Path(folder.name) / "stick"
        self.stick.mkdir()
        self.disk = pathlib.Path(folder.name) / "disk"
        self.image = os.urandom(1 << 20)
        compressed = subprocess.run(["zstd", "-c"], input=self.image, capture_output=True, check=True).stdout
        (self.stick / "kiosk.img.zst").write_bytes(compressed)
        (self.stick / "kiosk.img.sha256").write_text(f"{hashlib.sha256(self.image).hexdigest()}  -\n", encoding="utf-8")
        (self.stick / "kiosk.img.size").write_text(f"{len(self.image)}\n", encoding="utf-8")
        self.disk.write_bytes(b"\xff" * (2 << 20))

    def install(self):
        """Its status and what it says."""
        done = subprocess.run(["sh", self.SCRIPT, self.stick, self.disk], capture_output=True, text=True, check=False)
        return done.returncode, done.stdout + done.stderr

    def test_the_disk_holds_what_the_stick_had(self):
        status, said = self.install()
        self.assertEqual(status, 0, said)
        self.assertEqual(self.disk.read_bytes(), self.image + b"\xff" * (1 << 20))

    def test_a_disk_that_gives_back_something_else_is_told(self):
        (self.stick / "kiosk.img.sha256").write_text("0" * 64 + "  -\n", encoding="utf-8")
        status, said = self.install()
        self.assertEqual(status, 1, said)
        self.assertIn("do not use this disk", said)

    def test_a_disk_that_is_too_small_is_left_alone(self):
        self.disk.write_bytes(b"\xff" * 1000)
        status, said = self.install()
        self.assertEqual(status, 1, said)
        self.assertEqual(self.disk.read_bytes(), b"\xff" * 1000)

    def test_a_stick_without_an_image_is_told(self):
        (self.stick / "kiosk.img.zst").unlink()
        status, said = self.install()
        self.assertEqual(status, 1, said)
        self.assertIn("kiosk.img.zst is missing", said)


if __name__ == "__main__":
    unittest.main()
