//! What other programs need to know of the disk, in their own formats.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::grub;
use crate::layout::{Layout, Partition};

/// First line of every generated file.
const MADE: &str = "# Generated from image/layout.toml.\n";

/// Files of the root, by their path in it.
pub fn root_files(layout: &Layout) -> BTreeMap<String, String> {
    let mut files = BTreeMap::from([
        ("etc/fstab".to_owned(), fstab(layout)),
        ("etc/rauc/system.conf".to_owned(), rauc(layout)),
        ("etc/kiosk-slot-writer.toml".to_owned(), slot_writer(layout)),
    ]);
    for (index, partition) in layout.partitions.iter().enumerate() {
        let name = definition_name(index, partition);
        files.insert(format!("usr/lib/repart.d/{name}"), on_device(partition));
    }
    files
}

/// Files of the EFI system partition, by their path in it. The rest of it is GRUB itself.
pub fn esp_files(layout: &Layout) -> BTreeMap<String, String> {
    BTreeMap::from([
        ("EFI/BOOT/grub.cfg".to_owned(), grub::config(layout)),
        ("EFI/BOOT/grubenv".to_owned(), grub::environment()),
    ])
}

/// systemd-repart's definitions to make a disk, by their file names. `image` tells the file that is copied into a
/// partition. The partition that grows is left to the first boot.
pub fn disk_definitions(
    layout: &Layout,
    image: impl Fn(&Partition) -> Option<String>,
) -> BTreeMap<String, String> {
    let made = layout.partitions.iter().enumerate().filter(|(_, partition)| !partition.grow);
    made.map(|(index, partition)| {
        let mut text = definition(partition);
        if let Some(file) = image(partition) {
            _ = writeln!(text, "CopyBlocks={file}");
        }
        (definition_name(index, partition), text)
    })
    .collect()
}

/// Definitions are taken in the order of their names.
fn definition_name(index: usize, partition: &Partition) -> String {
    format!("{}0-{}.conf", index + 1, partition.label)
}

fn definition(partition: &Partition) -> String {
    let Partition { label, kind, size_mib, uuid, grow, .. } = partition;
    let mut text =
        format!("{MADE}[Partition]\nType={kind}\nLabel={label}\nUUID={uuid}\nSizeMinBytes={size_mib}M\n");
    if !grow {
        _ = writeln!(text, "SizeMaxBytes={size_mib}M\nWeight=0");
    }
    text
}

/// As the kiosk itself applies it at every start: what is there is left alone.
fn on_device(partition: &Partition) -> String {
    let mut text = definition(partition);
    if partition.grow {
        text.push_str("Format=ext4\nFactoryReset=yes\n");
    }
    text
}

fn fstab(layout: &Layout) -> String {
    let mut text = MADE.to_owned();
    for partition in &layout.partitions {
        let Some(mount) = &partition.mount else { continue };
        let source = format!("PARTLABEL={}", partition.label);
        _ = if partition.grow {
            // data=ordered is named because a superblock may say otherwise, and writeback loses SQLite files.
            let options = "data=ordered,noatime,nosuid,nodev,commit=5,errors=remount-ro,x-systemd.growfs,\
                           x-systemd.requires=systemd-repart.service,x-systemd.after=systemd-repart.service";
            writeln!(text, "{source} {mount} ext4 {options} 0 2")
        } else {
            // Mounted only while somebody writes there: the less time, the fewer FATs are torn by a power cut.
            let options =
                "umask=0077,nosuid,nodev,noexec,sync,noauto,x-systemd.automount,x-systemd.idle-timeout=10";
            writeln!(text, "{source} {mount} vfat {options} 0 0")
        };
    }
    text.push_str("tmpfs /tmp tmpfs mode=1777,nosuid,nodev,size=64M 0 0\n");
    text
}

fn rauc(layout: &Layout) -> String {
    let model = &layout.model;
    let mut text = format!(
        "{MADE}[system]\ncompatible=kiosk-{model}\nbootloader=grub\ngrubenv=/efi/EFI/BOOT/grubenv\n\
         bundle-formats=-plain\nmountprefix=/run/rauc\nstatusfile=/var/lib/rauc/central.raucs\n\n\
         [keyring]\npath=/etc/rauc/keyring.pem\n"
    );
    for (index, (slot, images)) in layout.slots().into_iter().enumerate() {
        for (image, partition) in images {
            let label = &partition.label;
            let role =
                if image == "boot" { format!("bootname={slot}") } else { format!("parent=boot.{index}") };
            _ = write!(
                text,
                "\n[slot.{image}.{index}]\ndevice=/dev/disk/by-partlabel/{label}\ntype=raw\n{role}\n"
            );
        }
    }
    text
}

fn slot_writer(layout: &Layout) -> String {
    let model = &layout.model;
    let mut text = format!(
        "{MADE}model = \"{model}\"\nroot = \"/usr/share/kiosk/root.json\"\nstate = \"/var/lib/kiosk-slot-writer\"\n\
         release = \"/usr/lib/kiosk/release\"\nclient = \"kioskd\"\nchooser.rauc = {{}}\n"
    );
    for (slot, images) in layout.slots() {
        _ = write!(text, "\n[slots.{slot}]\n");
        for (image, partition) in images {
            _ = writeln!(text, "{image} = \"/dev/disk/by-partlabel/{}\"", partition.label);
        }
    }
    text
}
