# Part of scripts/build-image: the files that run before the system does: kernel modules, the first program, the boot
# partition.

# The modules that stay, and their dependencies.
choose_modules() {
    local modules=$root/usr/lib/modules/$kernel
    depmod -b "$root" "$kernel"
    local path
    while read -r path; do
        [ -e "$modules/kernel/$path" ] || die "scripts/card/modules: Linux $kernel has no $path"
        find "$modules/kernel/$path" -name '*.ko' ! -name 'test_*' -printf '%f\n'
    done < <(sed 's/#.*//; /^$/d' scripts/card/modules) | sed 's/\.ko$//' | sort -u >"$work/kept"
    depends_of "$work/kept" >"$work/kept.paths"
    find "$modules/kernel" -name '*.ko' | sort | comm -23 - "$work/kept.paths" | xargs -r rm -f
    find "$modules" -type d -empty -delete
    depmod -b "$root" "$kernel"
}

# The files of the modules that the file $1 names, and of those that they need.
depends_of() {
    xargs modprobe --dirname="$root" --set-version="$kernel" --show-depends --all <"$1" |
        awk -v root="$root" '$1 == "insmod" { print $2 }' | sed "s#^$root/lib/#$root/usr/lib/#" | sort -u
}

# A busybox, the modules for reading the card, and scripts/card/init.
make_initramfs() {
    local start=$work/start applet
    mkdir -p "$start"/{bin,dev,proc,sys,run,new,data,"lib/modules/$kernel"}
    ln -s bin "$start/sbin"
    cp "$root/bin/busybox" "$start/bin/"
    for applet in basename blockdev cat dd find findfs ln mkdir modprobe mount mv od realpath reboot sed seq sh sleep sort switch_root sync tr umount xargs; do
        ln -s busybox "$start/bin/$applet"
    done
    install -m 755 scripts/card/init "$start/init"
    printf '%s\n' ext4 crc32c_generic sdhci_iproc bcm2835 bcm2835_dma bcm2835_wdt gpio_raspberrypi_exp gpio_regulator \
        virtio_blk virtio_pci virtio_mmio ramoops >"$work/first"
    depends_of "$work/first" | sed "s#^$root/usr/##" >"$work/first.paths"
    (cd "$root/usr" && xargs cp --parents -t "$start" <"$work/first.paths")
    cp "$root/usr/lib/modules/$kernel"/modules.{builtin,builtin.modinfo,order} "$start/lib/modules/$kernel/"
    depmod -b "$start" "$kernel"
    find "$start" -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +
    (cd "$start" && find . -print0 | sort -z | cpio --null -o -H newc --quiet --reproducible | gzip -9n) >"$boot/initrd.img"
}

# The user's files, and the first part of the firmware on a Pi 3, which finds there which system starts.
fill_user_boot() {
    cp "$root/usr/lib/raspi-firmware/bootcode.bin" memory-layout/boot/autoboot.txt "$user_boot/"
    cp scripts/card/boot/{README.txt,card.txt} "$work/yep.toml" "$user_boot/"
    [ -z "$ssh_key" ] || cp "$ssh_key" "$user_boot/authorized_keys"
}

# Firmware, device trees and kernel of one system.
fill_boot() {
    local firmware=$root/usr/lib/raspi-firmware tree
    # With gpu_mem=16 the firmware uses the small ones.
    cp "$firmware"/{start.elf,start_cd.elf,start4.elf,start4cd.elf,fixup.dat,fixup_cd.dat,fixup4.dat,fixup4cd.dat} "$boot/"
    for tree in 2837-rpi-3-a-plus 2837-rpi-3-b 2837-rpi-3-b-plus 2837-rpi-cm3-io3 2837-rpi-zero-2-w 2711-rpi-4-b 2711-rpi-400 2711-rpi-cm4-io; do
        cp "$root/usr/lib/linux-image-$kernel/broadcom/bcm$tree.dtb" "$boot/"
        adapt_tree "$boot/bcm$tree.dtb"
    done
    cp "$root/boot/vmlinuz-$kernel" "$boot/vmlinuz"
    {
        cat memory-layout/boot/config.txt
        printf '\n# What is started. Device trees are the kernel'"'"'s own, so dtoverlay= and dtparam= above find nothing to do:\n'
        printf '# scripts/card/start.sh has put into the trees what they ask for.\n'
        printf 'upstream_kernel=1\nkernel=vmlinuz\ninitramfs initrd.img followkernel\n'
    } >"$boot/config.txt"
    # Debian's kernel has no /dev/gpiomem; the last word lets the server's user access the pins through /dev/mem.
    echo "$(cat memory-layout/boot/cmdline.txt) fsck.repair=yes quiet iomem=relaxed" >"$boot/cmdline.txt"
}

# In the device tree $1: the full UART at pins 14 and 15 for the sensor, the I2C bus on, and a reserved part of memory
# that survives a restart, for the last messages of a kernel; and another one, for a message to the firmware
# (scripts/card/bin/try-other).
adapt_tree() {
    local uart=/soc/serial@7e201000 pins=/soc/gpio@7e200000/uart0_gpio14 spare=0xf0
    ! fdtget -p "$1" $uart/bluetooth >/dev/null 2>&1 || fdtput -r "$1" $uart/bluetooth
    fdtput -t x "$1" $pins phandle $spare
    fdtput -t x "$1" $uart pinctrl-0 $spare
    fdtput -t s "$1" $uart pinctrl-names default
    fdtput -t s "$1" $uart status okay
    # The mini UART would use the same pins.
    fdtput -t s "$1" /soc/serial@7e215040 status disabled
    fdtput -t s "$1" /aliases serial0 $uart
    ! fdtget "$1" /chosen stdout-path >/dev/null 2>&1 || fdtput -d "$1" /chosen stdout-path
    fdtput -t s "$1" /soc/i2c@7e804000 status okay
    local kept=/reserved-memory/ramoops@b000000 cells
    cells=$(fdtget -t i "$1" /reserved-memory '#address-cells')
    fdtput -c "$1" $kept
    fdtput -t s "$1" $kept compatible ramoops
    # shellcheck disable=SC2046 # one word for each cell
    fdtput -t x "$1" $kept reg $([ "$cells" = 1 ] || echo 0) b000000 20000
    fdtput -t x "$1" $kept record-size 4000
    local message=/reserved-memory/firmware-message@b020000
    fdtput -c "$1" $message
    # shellcheck disable=SC2046
    fdtput -t x "$1" $message reg $([ "$cells" = 1 ] || echo 0) b020000 1000
    fdtput "$1" $message no-map
}
