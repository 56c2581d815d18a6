#!/bin/sh
# Writes the disk of a kiosk from a stick to a disk of this machine, reads it back and switches the machine off.
#
# As the first program of an initramfs it asks at the console; with a file autoinstall on the stick, which names a disk
# as /dev/nvme0n1, it does not. It never offers the stick it was started from.
#
#   kiosk-install.sh STICK DISK      the same for folders and files: nothing is asked, mounted or switched off
set -u

fail() {
    echo "kiosk-install: $1" >&2
    exit 1
}

# Bytes of a disk or a file.
size_of() {
    if [ -b "$1" ]; then
        echo $(($(cat "/sys/class/block/${1##*/}/size") * 512))
    else
        wc -c <"$1"
    fi
}

# A stick is said to hold kiosk.img.zst, kiosk.img.sha256 (of the disk, not of the file) and kiosk.img.size.
check_stick() {
    for name in kiosk.img.zst kiosk.img.sha256 kiosk.img.size; do
        [ -s "$1/$name" ] || fail "$1/$name is missing"
    done
}

write_disk() {
    stick=$1 disk=$2
    wanted=$(cat "$stick/kiosk.img.size")
    expected=$(cut -d' ' -f1 "$stick/kiosk.img.sha256")
    room=$(size_of "$disk") || fail "$disk cannot be read"
    [ "$room" -ge "$wanted" ] || fail "$disk has $room bytes, $wanted are needed"
    echo "Writing to $disk ..."
    zstd -dc "$stick/kiosk.img.zst" | dd of="$disk" bs=4194304 conv=notrunc,fsync 2>/dev/null || fail "$disk cannot be written"
    # Read from the disk itself, not from memory.
    echo 3 2>/dev/null >/proc/sys/vm/drop_caches
    echo "Reading it back ..."
    read_back=$(head -c "$wanted" "$disk" | sha256sum | cut -d' ' -f1)
    [ "$read_back" = "$expected" ] || fail "what $disk gives back is not what was written: do not use this disk"
    echo "$disk is a kiosk now."
}

# Disks that may be written to, one a line: no partitions, no optical or memory disks, not the stick.
disks() {
    for path in /sys/class/block/*; do
        name=${path##*/}
        [ -e "$path/partition" ] && continue
        case $name in loop* | ram* | zram* | sr* | dm-* | mtd* | fd* | *boot[0-9] | *rpmb) continue ;; esac
        [ "$(cat "$path/size")" -gt 0 ] && [ "$name" != "$1" ] && echo "/dev/$name"
    done
}

# The name of the disk that a partition is on.
disk_of() {
    path=$(readlink -f "/sys/class/block/$1")
    if [ -e "$path/partition" ]; then basename "$(dirname "$path")"; else basename "$path"; fi
}

find_stick() {
    tries=0
    while [ "$tries" -lt 60 ]; do
        name=$(grep -lx "PARTNAME=kiosk-install" /sys/class/block/*/uevent 2>/dev/null | head -n 1)
        [ -n "$name" ] && name=${name%/uevent} && echo "${name##*/}" && return
        tries=$((tries + 1))
        sleep 1
    done
    fail "there is no stick with a kiosk"
}

ask() {
    echo
    echo "This writes a kiosk to a disk. EVERYTHING ON THAT DISK IS LOST."
    echo
    while true; do
        number=0
        for disk in $1; do
            number=$((number + 1))
            model=$(cat "/sys/class/block/${disk##*/}/device/model" 2>/dev/null)
            echo "  $number  $disk  $(($(size_of "$disk") / 1000000000)) GB  $model"
        done
        printf 'Which one? '
        read -r answer || fail "nobody answers"
        number=0
        for disk in $1; do
            number=$((number + 1))
            if [ "$answer" = "$number" ]; then
                printf 'Type yes to write to %s: ' "$disk"
                read -r sure || fail "nobody answers"
                [ "$sure" = yes ] && chosen=$disk && return
            fi
        done
    done
}

if [ $# -eq 2 ]; then
    check_stick "$1"
    write_disk "$1" "$2"
    exit 0
fi

export PATH=/bin:/sbin:/usr/bin:/usr/sbin
mount -t devtmpfs dev /dev
mount -t proc proc /proc
mount -t sysfs sys /sys
exec </dev/console >/dev/console 2>&1
# Whatever goes wrong is to be read; nothing starts over by itself.
trap 'echo "Switch the machine off."; while true; do sleep 3600; done' EXIT

part=$(find_stick) || exit 1
mkdir -p /stick
mount -t vfat -o ro "/dev/$part" /stick || fail "/dev/$part cannot be mounted"
check_stick /stick
candidates=$(disks "$(disk_of "$part")")
[ -n "$candidates" ] || fail "this machine has no disk to write to"
if [ -s /stick/autoinstall ]; then
    read -r chosen </stick/autoinstall
    echo "$candidates" | grep -qx "$chosen" || fail "autoinstall names $chosen, but there are: $candidates"
else
    ask "$candidates"
fi
write_disk /stick "$chosen"
umount /stick
echo "It switches off in ten seconds. Take the stick out then."
sleep 10
sync
# There is no init that could be asked. Where the kernel cannot, what the trap says is to be read.
echo o >/proc/sysrq-trigger
sleep 30
exit 0
