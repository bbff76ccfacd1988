# Part of scripts/build-image: the system in "$root" as the set-up scripts of its packages would have left it, and what
# is ours. shellcheck shell=bash

# The program, its unit and its user, as in the Debian package.
install_program() {
    install -D -m 755 "$binary" "$root/usr/bin/yep"
    aarch64-linux-gnu-strip --strip-unneeded "$root/usr/bin/yep" 2>/dev/null || true
    install -D -m 644 systemd/yep.service -t "$root/usr/lib/systemd/system"
    install -D -m 644 systemd/yep.sysusers "$root/usr/lib/sysusers.d/yep.conf"
    install -D -m 644 memory-layout/sysctl.conf "$root/etc/sysctl.d/50-yep.conf"
}

# The parts that only a card has.
install_card() {
    cp -r --no-preserve=mode,ownership scripts/card/root/. "$root/"
    install -D -m 755 scripts/card/bin/* -t "$root/usr/lib/yep"
    (cd systemd/card && find . -type f -exec install -D -m 644 {} "$root/etc/systemd/system/{}" \;)
    options <scripts/card/boot/yep.toml >"$work/yep.toml"
    install -D -m 644 "$work/yep.toml" "$root/usr/share/yep/yep.toml"
    # Read from the boot partition at each start.
    mkdir -p "$root/etc/yep" "$root/boot/firmware"
    ln -s /run/yep-card/yep.toml "$root/etc/yep/yep.toml"
    install -m 644 memory-layout/fstab "$root/etc/fstab"
    install -D -m 644 systemd/manager.conf "$root/etc/systemd/system.conf.d/yep.conf"
    if [ "$app" ]; then
        mkdir -p "$root/usr/share/yep/app"
        cp -r --no-preserve=mode,ownership "$app/." "$root/usr/share/yep/app/"
        find "$root/usr/share/yep/app" -mindepth 1 -name '.*' -prune -exec rm -rf {} +
        local size
        size=$(find "$root/usr/share/yep/app" -type f -printf '%s\n' | awk '{ sum += $1 } END { print sum + 0 }')
        [ "$size" -le "$app_bytes" ] || die "$app has $size bytes; an app may have $app_bytes (memory-layout/layout.toml)"
    fi
}

# The server's default options; with an app, they name its folder.
options() {
    if [ "$app" ]; then
        sed 's#^listen = .*#&\n\n\# The app that came with this card.\napp = "/usr/share/yep/app"#'
    else
        cat
    fi
}

configure_system() {
    rm -f "$root"/etc/{passwd,group,shadow,gshadow}{,-}
    # Fixed ids first, then the card's own users. No one has a password: every entry is locked.
    systemd-sysusers --root="$root" 2>"$work/users" || die "systemd-sysusers: $(cat "$work/users")"
    sed -i 's/^\([^:]*\):[^:]*:/\1:*:/' "$root/etc/shadow"
    ! grep -qvE '^[^:]+:\*:' "$root/etc/shadow" || die "an account has a password"
    rm -f "$root"/etc/{passwd,group,shadow,gshadow}-
    ln -sf ../usr/lib/os-release "$root/etc/os-release"
    ln -sf ../run/systemd/resolve/stub-resolv.conf "$root/etc/resolv.conf"
    # The file over which the first program mounts the card's own id; see scripts/card/init.
    echo uninitialized >"$root/etc/machine-id"
    # scripts/build-update reads it; the program reads KIND.
    printf '%s\n' NAME=yep "VERSION=$version" "COMMIT=$commit" "KIND=$kind" "WRITTEN=$SOURCE_DATE_EPOCH" "CARD_LAYOUT=$disk_version" \
        "STORE_LAYOUT=$(sed -n 's/^pub const LAYOUT_VERSION: u8 = \([0-9]*\);/\1/p' src/store/migrate.rs)" \
        >"$root/etc/yep/card-release"
    {
        echo '# Keys whose updates this card takes.'
        [ ${#update_keys[@]} = 0 ] || cat "${update_keys[@]}"
    } >"$root/usr/share/yep/update-keys"

    # Init scripts from before systemd; with them systemctl needs tools that no card has.
    rm -rf "$root/etc/init.d" "$root"/etc/rc?.d
    local systemctl=(systemctl --quiet "--root=$root")
    "${systemctl[@]}" enable yep.service yep-card.service yep-safe-pins.service yep-banner.service yep-pairing-code.service \
        yep-slot.service yep-proof.service yep-update.socket \
        ssh.service systemd-networkd.service systemd-resolved.service systemd-timesyncd.service \
        systemd-pstore.service
    "${systemctl[@]}" set-default multi-user.target
    # No login at the screen; no unit waits for a network; no package is updated by itself.
    "${systemctl[@]}" mask getty@.service serial-getty@.service console-getty.service systemd-networkd-wait-online.service \
        e2scrub_reap.service e2scrub_all.timer fstrim.timer dpkg-db-backup.timer apt-daily.timer apt-daily-upgrade.timer \
        systemd-machine-id-commit.service systemd-firstboot.service ldconfig.service rpcbind.service
    # Files that set-up scripts and the first start would make, and cannot on a read-only system.
    ln -sf mawk "$root/usr/bin/awk"
    ln -sf ../proc/self/mounts "$root/etc/mtab"
    mkdir -p "$root/srv"
    ln -sf regulatory.db-debian "$root/usr/lib/firmware/regulatory.db"
    ln -sf regulatory.db.p7s-debian "$root/usr/lib/firmware/regulatory.db.p7s"
    # Names of network devices as the kernel gives them.
    ln -sf /dev/null "$root/etc/systemd/network/99-default.link"
}

# Each package with its version: the only part in which two builds of one commit may differ.
list_packages() {
    awk -v RS= '{
        name = version = ""
        n = split($0, line, "\n")
        for (i = 1; i <= n; i++) {
            if (line[i] ~ /^Package: /) name = substr(line[i], 10)
            if (line[i] ~ /^Version: /) version = substr(line[i], 10)
        }
        print name, version
    }' "$work/status" | sort
}

# The system is never updated package by package, so the files for that are removed, and files that nothing here reads.
drop_the_rest() {
    cp "$root/var/lib/dpkg/status" "$work/status"
    rm -rf "$root"/boot/{vmlinuz,System.map,config}* "$root"/usr/lib/{raspi-firmware,linux-image-*,klibc,initramfs-tools} \
        "$root"/usr/share/{bash-completion,initramfs-tools,lintian,perl5,polkit-1,zsh,bug} \
        "$root"/etc/{apt,dpkg,initramfs-tools,kernel,cron.*} "$root"/usr/lib/udev/hwdb.d \
        "$root"/var/{cache,lib/dpkg,lib/apt,log}
    # Character sets that no program here converts.
    rm -rf "$root/usr/lib/aarch64-linux-gnu/gconv"
    # Radios of other boards.
    find "$root/usr/lib/firmware" -type f -o -type l | grep -vE 'brcmfmac434(30|36|55|56)|regulatory' | xargs -r rm -f
    find "$root/usr/lib/firmware" -type f -name 'brcmfmac*.txt' | grep -v 'raspberrypi' | xargs -r rm -f
    find "$root/usr/lib/firmware" -xtype l -delete
    find "$root/usr/lib/firmware" -type d -empty -delete
}
