# SPDX-License-Identifier: MIT
"""The disk, from image/layout.toml. What the device itself reads of it, kiosk-image generates from the same file."""

import tomllib

# systemd's names of partition types (systemd-repart's Type=), as the partition table has them.
PARTITION_TYPES = {
    "esp": "c12a7328-f81f-11d2-ba4b-00a0c93ec93b",
    "linux-generic": "0fc63daf-8483-4772-8e79-3d69d8477de4",
}

# Which slot a new disk starts: the other one is empty.
FIRST_SLOT = "A"


class LayoutError(ValueError):
    """A layout that cannot be written as a wks file."""


def read(path):
    """The layout as tables; kiosk-image checks it thoroughly."""
    with open(path, "rb") as layout:
        return tomllib.load(layout)


def partitions_of_disk(layout):
    """What is on a new disk, in its order. What grows is made by the first boot."""
    return [it for it in layout["partition"] if not it.get("grow", False)]


def wks_line(partition):
    """A partition as wic's kickstart files have it. Images are named by variables of the machine and the image."""
    if partition["type"] not in PARTITION_TYPES:
        raise LayoutError(f"{partition['label']}: there is no GUID for the type {partition['type']}")
    if partition["type"] == "esp":
        # FAT32, whatever mkfs.vfat thinks of the size: firmware of small boards reads nothing else.
        content = '--source bootimg_partition --fstype=vfat --label KIOSK --mkfs-extraopts "-F 32"'
    elif partition.get("slot") == FIRST_SLOT:
        image = "${KIOSK_SLOT_IMAGES}.kiosk" + partition["image"]
        content = f'--source rawcopy --sourceparams="file={image}"'
    else:
        content = "--fstype=none"
    return (
        f"part {content} --ondisk {{disk}} --align 1024 --fixed-size {partition['size_mib']}M"
        f" --part-name {partition['label']} --part-type {PARTITION_TYPES[partition['type']]}"
        f" --uuid {partition['uuid']}"
    )


def wks(layout, disk):
    """The lines of a wks file for all partitions of a new disk."""
    return "\n".join(wks_line(it).replace("{disk}", disk) for it in partitions_of_disk(layout))


def words(path):
    """A list of words, one a line, with comments."""
    with open(path, encoding="utf-8") as text:
        return " ".join(line.split("#")[0].strip() for line in text if line.split("#")[0].strip())
