#!/usr/bin/env bash
# image/packages/tests/recipes.sh: what can be tried of the recipes without OpenWrt, Buildroot and Alpine, which are not to be had as packages.
#   OpenWrt    configuration.sh by the shells of busybox and Debian on what `uci export` prints, and our binary's opinion of the outcome; the
#              init script before functions that note how procd is called; the Makefile below stand-ins for rules.mk and package.mk
#   Buildroot  nanoprobe.mk below a stand-in for its generic-package
#   Alpine     the functions of APKBUILD, as abuild calls them
# Each ends with the program's own answer, or the files that are there.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../../.."
# shellcheck source=image/packages/tests/roots.sh
source image/packages/tests/roots.sh

AREA=$ROOTS/recipes
SOURCES=$PWD/image/packages
triple=$(uname -m)-unknown-linux-musl
PROGRAM=${NANOPROBE:-$PWD/target/boxes/$triple/nanoprobe}
version=$(sed -nE '/^\[workspace.package\]/,/^$/s/^version = "(.*)"$/\1/p' Cargo.toml)
rm -rf "$AREA"
mkdir -p "$AREA/bin"

same_version() { grep -qE "^$2 *:?= *$version\$" "$SOURCES/$1" || fail "$1 is not of version $version"; }

say "UCI"
sed 's/^\t# option/\toption/; s/^# config/config/' "$SOURCES/openwrt/nanoprobe/files/nanoprobe.config" | grep -v '^#' >"$AREA/exported"
cat >>"$AREA/exported" <<'END'
config reports
	option webhook 'https://ntfy.example.org/secret'
	option mail_to 'you@example.org'
	option lights_fine 'green:status'

config backup 'second'
	option repository 'main'
	option sources '/srv/it'\''s "quoted" \back'
	option schedule 'hourly 15'
	option exclude_caches 'on'
	option drill_files '3'
	option drill_schedule 'weekly sunday 03:00'
END
printf '#!/bin/sh\n[ "$*" = "-q export nanoprobe" ] && cat "%s"\n' "$AREA/exported" >"$AREA/bin/uci"
chmod +x "$AREA/bin/uci"
for shell in "busybox ash" dash bash; do
    # shellcheck disable=SC2086 # words
    PATH=$AREA/bin:$PATH $shell "$SOURCES/openwrt/nanoprobe/files/configuration.sh" >"$AREA/${shell%% *}.toml"
    cmp "$AREA/${shell%% *}.toml" "$AREA/busybox.toml"
done
chmod 600 "$AREA/busybox.toml"
"$PROGRAM" agent check --config "$AREA/busybox.toml"
python3 - "$AREA/busybox.toml" <<'END'
import sys, tomllib
found = tomllib.load(open(sys.argv[1], "rb"))
assert found["repository"]["main"]["check"] == {"schedule": "daily 04:30"}, found
assert found["repository"]["main"]["require_mount"] == ["/mnt/backup"], found
assert found["backup"]["files"]["keep"] == {"daily": 7, "weekly": 4, "monthly": 6}, found
assert found["backup"]["files"]["sources"] == ["/etc", "/mnt/data"], found
assert found["backup"]["second"]["sources"] == ['/srv/it\'s "quoted" \\back'], found
assert found["backup"]["second"]["exclude_caches"] is True and found["backup"]["second"]["drill"]["files"] == 3, found
assert found["limits"] == {"memory": "48M", "base": "/mnt/backup/.nanoprobe"}, found
assert found["web"] == {"listen": "192.168.1.1:8475"}, found
assert found["reports"]["mail"] == {"to": "you@example.org"} and found["reports"]["lights"] == {"fine": "green:status"}, found
END
# A mistake is named by its line.
printf "config backup 'wrong'\n\toption repository 'main'\n\tlist sources '/x'\n\toption schedule 'daily 02:30'\n\toption wrong '1'\n" >>"$AREA/exported"
PATH=$AREA/bin:$PATH busybox ash "$SOURCES/openwrt/nanoprobe/files/configuration.sh" >"$AREA/wrong.toml"
if "$PROGRAM" agent check --config "$AREA/wrong.toml" 2>"$AREA/said"; then fail "a mistake is not seen"; fi
grep -q '"wrong" means nothing here' "$AREA/said" || fail "what was said: $(cat "$AREA/said")"

say "procd"
mkdir -p "$AREA/box/usr/share/nanoprobe"
cp "$AREA/busybox.toml" "$AREA/box/made"
cat >"$AREA/procd.sh" <<END
config_load() { :; }
config_get_bool() { eval "\$1=\$enabled_there"; }
config_get() { eval "\$1=$AREA/box/state"; }
procd_open_instance() { echo "open \$*"; }
procd_set_param() { echo "\$*"; }
procd_close_instance() { echo close; }
procd_add_reload_trigger() { echo "trigger \$*"; }
procd_send_signal() { echo "signal \$*"; }
start() { start_service; }
END
# Its paths, in a directory of the test.
sed -e "s|/usr/share/nanoprobe/configuration.sh|cat $AREA/box/made|; s|/etc/nanoprobe/config.toml|$AREA/box/config.toml|; s|/var/|$AREA/box/var/|g" \
    -e "s|/usr/bin/nanoprobe|$PROGRAM|; s|logger -t nanoprobe|cat >>$AREA/box/logged|" "$SOURCES/openwrt/nanoprobe/files/nanoprobe.init" >"$AREA/init"
asked() { busybox ash -c "enabled_there=$1; . $AREA/procd.sh; . $AREA/init; $2"; }
[ -z "$(asked 0 start_service)" ] || fail "it starts before it is enabled"
asked 1 start_service | tee "$AREA/said"
grep -qx "command $PROGRAM agent" "$AREA/said" || fail "procd is not told what to run"
grep -qx "command $PROGRAM agent web" "$AREA/said" || fail "the status page is not started"
grep -q 'no mistakes' "$AREA/box/logged" || fail "the configuration is not checked"
"$PROGRAM" agent check --config "$AREA/box/config.toml"
[ "$(readlink "$AREA/box/var/lib/nanoprobe")" = "$AREA/box/state" ] || fail "its state is gone with each start"
asked 1 reload_service | grep -qx 'signal nanoprobe agent' || fail "it is not told of a change"
# The owner's own file is left alone.
rm "$AREA/box/config.toml"
echo own >"$AREA/box/config.toml"
asked 1 start_service >/dev/null
[ "$(cat "$AREA/box/config.toml")" = own ] || fail "the owner's file is gone"

say "OpenWrt's Makefile"
same_version openwrt/nanoprobe/Makefile PKG_VERSION
mkdir -p "$AREA/openwrt/include"
: >"$AREA/openwrt/rules.mk"
cat >"$AREA/openwrt/include/package.mk" <<'END'
PKG_BUILD_DIR:=$(OUT)/build
INSTALL_DIR:=install -d -m0755
INSTALL_BIN:=install -m0755
INSTALL_DATA:=install -m0644
INSTALL_CONF:=install -m0600
define BuildPackage
all:
	$(Build/Prepare)
	$(Build/Compile)
	$(call Package/$(1)/install,$(OUT)/root)
endef
END
for kind in "aarch64 aarch64" "x86_64 x86_64" "arm armv7 CONFIG_arm_v7=y CONFIG_HAS_FPU=y" "arm armv5te"; do
    read -r processor wanted options <<<"$kind"
    # shellcheck disable=SC2086 # words
    make -s -C "$SOURCES/openwrt/nanoprobe" TOPDIR="$AREA/openwrt" INCLUDE_DIR="$AREA/openwrt/include" OUT="$AREA/openwrt/$wanted" \
        ARCH="$processor" $options >"$AREA/said" || fail "$(cat "$AREA/said")"
    cmp "$AREA/openwrt/$wanted/root/usr/bin/nanoprobe" target/boxes/"$wanted"-*/nanoprobe
done
(cd "$AREA/openwrt/aarch64/root" && find . -type f | sort)

say "Buildroot"
same_version buildroot/package/nanoprobe/nanoprobe.mk NANOPROBE_VERSION
cat >"$AREA/generic.mk" <<'END'
qstrip = $(subst ",,$(1))
INSTALL := install
SED := sed -i -e
NANOPROBE_DL_DIR = $(NANOPROBE_SITE)
define generic-package
$(OUT)/done:
	mkdir -p $(OUT)
	tar -C $(OUT) --strip-components=1 -xf $$(NANOPROBE_SITE)/$$(NANOPROBE_SOURCE)
	$$(foreach hook,$$(NANOPROBE_POST_EXTRACT_HOOKS),$$($$(hook)))
	$$(NANOPROBE_INSTALL_TARGET_CMDS)
	$$(NANOPROBE_INSTALL_INIT_SYSV)
	$$(NANOPROBE_INSTALL_INIT_SYSTEMD)
	$$(NANOPROBE_INSTALL_INIT_OPENRC)
endef
include $(RECIPE)
END
for kind in "aarch64 BR2_aarch64=y" "x86_64 BR2_x86_64=y" "armv7 BR2_ARM_EABIHF=y BR2_ARM_CPU_ARMV7A=y" "armv5te BR2_arm=y"; do
    read -r wanted options <<<"$kind"
    # shellcheck disable=SC2086 # words
    make -s -f "$AREA/generic.mk" RECIPE="$SOURCES/buildroot/package/nanoprobe/nanoprobe.mk" OUT="$AREA/buildroot/$wanted/build" \
        TARGET_DIR="$AREA/buildroot/$wanted/root" BR2_PACKAGE_NANOPROBE_TARBALLS="\"$PACKAGES\"" $options
    cmp "$AREA/buildroot/$wanted/root/usr/bin/nanoprobe" target/boxes/"$wanted"-*/nanoprobe
done
(cd "$AREA/buildroot/aarch64/root" && find . -type f | sort)

say "Alpine"
mkdir "$AREA/apk"
tar -C "$AREA/apk" --strip-components=1 -xf "$PACKAGES/nanoprobe-$version-alpine.tar.gz"
for script in "$AREA"/apk/nanoprobe.* "$AREA/apk/APKBUILD"; do busybox ash -n "$script"; done
for processor in aarch64 armv7 armhf x86_64; do
    busybox ash -euc '
        CARCH=$2 srcdir=$3/$2/src pkgdir=$3/$2/root
        . "$3/APKBUILD"
        cd "$1"
        echo "$sha512sums" | sha512sum -c -
        mkdir -p "$srcdir" "$pkgdir"
        tar -C "$srcdir" -xzf "$source"
        cd "$builddir"
        build
        package
        "$5" "$pkgdir/usr/bin/nanoprobe" "$4/$_triple/nanoprobe"
    ' - "$PACKAGES" "$processor" "$AREA/apk" "$PWD/target/boxes" cmp
done
(cd "$AREA/apk/aarch64/root" && find . -type f | sort)
rm -rf "$AREA"
