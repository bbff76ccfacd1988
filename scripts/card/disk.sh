# Part of scripts/build-image: file systems, and the card that memory-layout/layout.toml describes.
# shellcheck shell=bash

# Every card has the same ids; the machine id, made at the first start, distinguishes cards.
id_of() { printf "$disk_id-0000-4000-8000-00000000000%s" "$1"; }

# An ext4 of the folder $2 in the file $1, $3 MiB large, with the label $4, the id $5 and more options of mke2fs.
make_ext4() {
    local file=$1 folder=$2 size_mib=$3 label=$4 id=$5
    shift 5
    find "$folder" -newermt "@$SOURCE_DATE_EPOCH" -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +
    mke2fs -q -t ext4 -b 4096 -I 256 -i 16384 -L "$label" -U "$(id_of "$id")" -E "hash_seed=$(id_of "$id"),lazy_itable_init=0" "$@" \
        -d "$folder" "$file" "${size_mib}M" >/dev/null
    # The time of a file's last change cannot be set in the folder, so it is set in the image. A new file system fills
    # its inodes in order, and the first that is not the file system's own after the root, 2, is 11.
    local all unused
    read -r all unused < <(dumpe2fs -h "$file" 2>/dev/null | awk '/^Inode count/ { a = $3 } /^Free inodes/ { print a, $3 }')
    { echo 2 && seq 11 $((all - unused)); } | awk -v at="$SOURCE_DATE_EPOCH" '{
        for (i = split("ctime atime", field, " "); i; i--) print "set_inode_field <" $1 "> " field[i] " @" at
    }' | debugfs -w -f - "$file" >/dev/null 2>&1
}

make_image() {
    # The stored state begins empty; the system makes its folders itself.
    mkdir -p "$work/data/lib"
    ln -s /run "$work/data/run"
    ln -s /run/lock "$work/data/lock"
    rm -rf "${root:?}/var"
    mkdir "$root/var"
    local size
    # Never written, so it needs no journal and no reserve.
    # The image of an update is as large as its file system, so that is not larger than it has to be.
    size=$(($(du -sm "$root" | cut -f 1) * 5 / 4 / 16 * 16 + 16))
    [ "$size" -le "$part_root_a_size_mib" ] || die "the system needs $size MiB, and its partition has $part_root_a_size_mib"
    make_ext4 "$work/root_a.img" "$root" "$size" "$part_root_a_label" 1 -O '^has_journal' -m 0
    make_ext4 "$work/data.img" "$work/data" "$part_data_size_mib" "$part_data_label" 2 -m 1
    make_fat boot "$user_boot" 1
    make_fat boot_a "$boot" 2
    # Empty, but a file system: a computer that reads the card offers to format a partition without one.
    mkdir "$work/empty"
    make_fat boot_b "$work/empty" 3

    size=$((part_data_start_mib + part_data_size_mib))
    rm -f "$out"
    truncate -s "${size}M" "$out"
    local outer=$((part_root_a_start_mib - 1))
    {
        echo "label: dos"
        echo "label-id: 0x$disk_id"
        local name number kind
        for name in $parts; do
            number=part_${name}_number start=part_${name}_start_mib extent=part_${name}_size_mib
            # Partition 4 holds all that come after it.
            [ "$name" != root_a ] || echo "4 : start=$((outer * 2048)), size=$(((size - outer) * 2048)), type=f"
            case $name in
            boot) kind='c, bootable' ;;
            boot_*) kind=c ;;
            *) kind=83 ;;
            esac
            echo "${!number} : start=$((${!start} * 2048)), size=$((${!extent} * 2048)), type=$kind"
        done
    } | sfdisk --quiet "$out"
    for name in boot boot_a boot_b root_a data; do
        start=part_${name}_start_mib
        dd if="$work/$name.img" of="$out" bs=1M seek="${!start}" conv=notrunc,sparse status=none
    done
}

# A FAT32 for the partition $1 of the folder $2; $3 distinguishes its id.
make_fat() {
    local file=$work/$1.img size=part_${1}_size_mib label=part_${1}_label
    truncate -s "${!size}M" "$file"
    mkfs.vfat -F 32 -n "${!label}" -i "${disk_id%?}$3" --invariant "$file" >/dev/null
    find "$2" -exec touch -d "@$SOURCE_DATE_EPOCH" {} +
    [ -z "$(ls "$2")" ] || (cd "$2" && mcopy -s -m -i "$file" $(ls | sort) ::/)
}

# Each partition: position, and size in use.
describe() {
    local name start extent used
    echo "yep $version, commit $commit, Linux $kernel"
    printf '%-8s %10s %10s %10s\n' partition 'from MiB' 'size MiB' 'used MiB'
    for name in $parts; do
        start=part_${name}_start_mib extent=part_${name}_size_mib
        case $name in
        boot) used=$(du -sm "$user_boot" | cut -f 1) ;;
        boot_a) used=$(du -sm "$boot" | cut -f 1) ;;
        root_a) used=$(du -sm "$root" | cut -f 1) ;;
        data) used=0 ;;
        *) used=- ;;
        esac
        printf '%-8s %10s %10s %10s\n' "$name" "${!start}" "${!extent}" "$used"
    done
    printf '%s\n' "all      $(stat -c %s "$out" | awk '{ print $1 / 1048576 }') MiB, of which $(du -m "$out" | cut -f 1) MiB are not empty"
    echo "program  $(stat -c %s "$root/usr/bin/yep") bytes, initramfs $(stat -c %s "$boot/initrd.img") bytes, kernel $(stat -c %s "$boot/vmlinuz") bytes"
}
