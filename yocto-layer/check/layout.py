# SPDX-License-Identifier: MIT
"""What describes the disk says the same everywhere: wks, systemd-repart, RAUC, GRUB, fstab, users, units."""

import configparser
import pathlib
import re
import shlex
import subprocess
import tempfile

import layers

# GUIDs of the Discoverable Partitions Specification and of UEFI, written here once more on purpose.
GUIDS = {"esp": "c12a7328-f81f-11d2-ba4b-00a0c93ec93b", "linux-generic": "0fc63daf-8483-4772-8e79-3d69d8477de4"}

# Groups that base-passwd of openembedded-core has already, with numbers of its own.
GROUPS_OF_CORE = {"input", "kvm", "sgx"}


def check(arguments):
    """Everything that is derived from the layout or has to agree with the workspace."""
    workspace = arguments.workspace
    found, said = layers.parsed(workspace)
    recipes = {path.stem.split("_")[0]: data for path, variant, data in found if not variant}
    missing = {"kiosk-image", "kiosk-bundle", "kiosk-config"} - set(recipes)
    if missing:
        return said + [f"there is no recipe {it}" for it in sorted(missing)]
    with tempfile.TemporaryDirectory(prefix="kiosk-layout-") as folder:
        generated = pathlib.Path(folder)
        command = [arguments.image_tool, "--checkout", workspace, "generate", generated]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            return [f"kiosk-image generate: {done.stderr.strip()}"]
        wks = (workspace / "yocto-layer/meta-kiosk/files/wic/kiosk.wks.in").read_text(encoding="utf-8")
        disk = wks_partitions(recipes["kiosk-image"].expand(wks))
        findings = said + check_wks(wks) + check_disk(disk, generated)
        if len(disk) < 2:
            return findings
        return (
            findings
            + check_rauc(disk, recipes["kiosk-bundle"], generated)
            + check_grub(disk, recipes["kiosk-image"], generated)
            + check_users(workspace)
            + check_files(workspace, recipes["kiosk-config"], generated)
        )


def check_wks(text):
    """The table of partitions is GPT, as GRUB and systemd-repart expect, and boards can add their first program."""
    tables = re.findall(r"^bootloader .*--ptable[ =](\w+)", text, re.M)
    findings = [] if tables == ["gpt"] else [f"kiosk.wks.in: the partition table is {tables}"]
    if "\n${KIOSK_WKS_BOOTLOADER}\n" not in text:
        findings.append("kiosk.wks.in leaves out KIOSK_WKS_BOOTLOADER")
    return findings


def wks_partitions(text):
    """Options of each `part` of a wks file, in the order of the disk."""
    disk = []
    for line in text.splitlines():
        words = shlex.split(line)
        if words[:1] == ["part"]:
            disk.append({words[at][2:]: words[at + 1] for at in range(1, len(words) - 1) if words[at].startswith("--")})
            disk[-1].update(it[2:].split("=", 1) for it in words if it.startswith("--") and "=" in it)
    return disk


def read_ini(path):
    """A file of systemd's or RAUC's."""
    parser = configparser.ConfigParser(interpolation=None, strict=True)
    parser.optionxform = str
    parser.read_string(path.read_text(encoding="utf-8"))
    return parser


def check_disk(disk, generated):
    """wic makes what systemd-repart finds at each start; the one that grows is left to the first."""
    definitions = [read_ini(it)["Partition"] for it in sorted((generated / "root/usr/lib/repart.d").iterdir())]
    fixed = [it for it in definitions if "SizeMaxBytes" in it]
    findings = []
    if len(fixed) + 1 != len(definitions) or "SizeMaxBytes" in definitions[-1]:
        findings.append("the last partition, and no other, grows")
    if len(disk) != len(fixed):
        return findings + [f"wks has {len(disk)} partitions, systemd-repart {len(fixed)}"]
    for ours, theirs in zip(disk, fixed):
        pairs = [("part-name", "Label"), ("uuid", "UUID"), ("fixed-size", "SizeMinBytes"), ("fixed-size", "SizeMaxBytes")]
        for option, key in pairs:
            if ours.get(option) != theirs[key]:
                findings.append(f"wks: {ours.get('part-name')}: {option} {ours.get(option)}; systemd-repart: {theirs[key]}")
        if ours.get("part-type") != GUIDS.get(theirs["Type"]):
            findings.append(f"wks: {ours.get('part-name')}: type {ours.get('part-type')}; systemd-repart: {theirs['Type']}")
    return findings


def check_rauc(disk, bundle, generated):
    """A bundle is for the slots that there are, and for this model."""
    config = read_ini(generated / "root/etc/rauc/system.conf")
    labels = {it["part-name"] for it in disk}
    findings = []
    compatible = bundle.getVar("RAUC_BUNDLE_COMPATIBLE")
    if compatible != config["system"]["compatible"]:
        findings.append(f"kiosk-bundle is for {compatible}, kiosks are {config['system']['compatible']}")
    classes = set()
    for name in config.sections():
        if not name.startswith("slot."):
            continue
        classes.add(name.split(".")[1])
        device = config[name]["device"]
        if device.removeprefix("/dev/disk/by-partlabel/") not in labels:
            findings.append(f"RAUC's {name} is {device}, which wks does not make")
    if classes != set(bundle.getVar("RAUC_BUNDLE_SLOTS").split()):
        findings.append(f"kiosk-bundle has {bundle.getVar('RAUC_BUNDLE_SLOTS')}, kiosks have {' '.join(sorted(classes))}")
    formats = config["system"]["bundle-formats"].split()
    if f"-{bundle.getVar('RAUC_BUNDLE_FORMAT')}" in formats or bundle.getVar("RAUC_BUNDLE_FORMAT") == "plain":
        findings.append(f"kiosks refuse bundles of the format {bundle.getVar('RAUC_BUNDLE_FORMAT')}")
    return findings


def check_grub(disk, image, generated):
    """grub.cfg counts partitions as wks lays them out, and is where GRUB looks."""
    text = (generated / "esp/EFI/BOOT/grub.cfg").read_text(encoding="utf-8")
    labels = [it["part-name"] for it in disk]
    findings = []
    for slot, body in re.findall(r"function boot_(\w) \{(.*?)\n\}", text, re.DOTALL):
        boots = {int(it) for it in re.findall(r"gpt(\d+)", body)}
        wanted = {labels.index(f"boot-{slot.lower()}") + 1}
        if boots != wanted:
            findings.append(f"grub.cfg boots {slot} from partitions {sorted(boots)}; in wks it is {sorted(wanted)}")
        if f"kiosk.root=root-{slot.lower()} " not in body:
            findings.append(f"grub.cfg gives {slot} another root than root-{slot.lower()}")
    modules = set(image.getVar("GRUB_BUILDIN:pn-grub-efi").split())
    used = {"load_env": "loadenv", "save_env": "loadenv", "regexp": "regexp", "linux": "linux", "sleep": "sleep", "reboot": "reboot"}
    for command, module in used.items():
        if re.search(rf"(^|\s){command}\s", text + " ") and module not in modules:
            findings.append(f"grub.cfg uses {command}, and GRUB's image lacks {module}")
    targets = [it.split(";")[-1].lower() for it in image.getVar("IMAGE_BOOT_FILES").split()]
    for name in ("efi/boot/grub.cfg", "efi/boot/grubenv"):
        if name not in targets:
            findings.append(f"the EFI system partition has no {name}")
    return findings


def check_users(workspace):
    """Users have the same number in the Debian image and here."""
    text = (workspace / "systemd/usr/lib/sysusers.d/kiosk.conf").read_text(encoding="utf-8")
    wanted = {"u": {}, "g": {}}
    for line in text.splitlines():
        words = line.split()
        if words and words[0] in wanted:
            wanted[words[0]][words[1]] = words[2]
    findings = []
    for name, kind in (("kiosk-passwd", "u"), ("kiosk-group", "g")):
        table = [it.split(":") for it in read_table(workspace / "yocto-layer/meta-kiosk/files" / name)]
        numbers = {it[0]: it[2] for it in table}
        if kind == "u":
            findings.extend(f"{name}: {it[0]} has the group {it[3]}" for it in table if it[3] != it[2])
        if len(set(numbers.values())) != len(table):
            findings.append(f"{name}: a name or a number is there twice")
        needed = {**wanted["g"], **wanted["u"]} if kind == "g" else wanted["u"]
        for user, number in needed.items():
            if kind == "g" and user in GROUPS_OF_CORE:
                continue
            if numbers.get(user) != number:
                findings.append(f"{name}: {user} has {numbers.get(user)}; sysusers.d has {number}")
    return findings


def read_table(path):
    """The lines of a table of users that are no comments."""
    return [it for it in path.read_text(encoding="utf-8").splitlines() if it and not it.startswith("#")]


def check_files(workspace, config, generated):
    """Units and files that kiosk-config names are there."""
    findings = []
    for unit in config.getVar("SYSTEMD_SERVICE:kiosk-config").split():
        if not (workspace / "systemd/usr/lib/systemd/system" / unit).exists():
            findings.append(f"kiosk-config: systemd/ has no {unit}")
    if "kioskd.service" not in config.getVar("SYSTEMD_SERVICE:kiosk-config").split():
        findings.append("kiosk-config does not enable kioskd.service")
    for name in config.getVar("KIOSK_REPLACED").split():
        path = workspace / "systemd" / name
        if not (path.exists() or path.is_symlink() or (generated / "root" / name).exists()):
            findings.append(f"kiosk-config: KIOSK_REPLACED names {name}, which neither systemd/ nor kiosk-image has")
    return findings
