#!/bin/sh
# The life of a program from the tarball, in a system of its own: /first and /second (a newer version) are unpacked tarballs. What is to be found
# as its init system stands in $1, the shell in $2, what installs a running service's script in $3.
set -eu
init=$1 shell=$2

fail() {
    echo "FAILED: $*"
    exit 1
}

files() { find / -xdev \( -path /proc -o -path /sys -o -path /dev -o -path /run -o -path /srv -o -path /first -o -path /second \) -prune -o ! -path /etc/config/qpkg.conf -exec stat -c '%n %a %F' {} + | sort; }
texts() { for file in /etc/crontab /etc/crontabs/root /etc/config/qpkg.conf; do if [ -e $file ]; then cat $file; fi; done; }

# How its service is asked.
service() {
    case $init in
    openrc) rc-service nanoprobe "$@" ;;
    synology) /usr/local/etc/rc.d/nanoprobe.sh "$@" ;;
    qnap) "$prefix/nanoprobe.sh" "$@" ;;
    sysv) if [ -e /etc/init.d/S80nanoprobe ]; then /etc/init.d/S80nanoprobe "$@"; else /etc/init.d/nanoprobe "$@"; fi ;;
    esac
}

has_service() { case $init in openrc | synology | qnap | sysv) ;; *) return 1 ;; esac; }

process() { for one in /proc/[0-9]*; do if { tr '\0' ' ' <"$one/cmdline"; } 2>/dev/null | grep -q '^[^ ]*nanoprobe agent'; then echo "${one#/proc/}"; fi; done; }

case $init in
procd) prefix=/usr ;;
synology) prefix=/usr/local/nanoprobe ;;
qnap) prefix=/share/CACHEDEV1_DATA/.qpkg/nanoprobe ;;
*) prefix=/usr/local ;;
esac
program=$prefix/bin/nanoprobe state=/var/lib/nanoprobe configuration=/etc/nanoprobe
case $init in
procd) state=/etc/nanoprobe/state ;;
synology | qnap) state=$prefix/state configuration=$prefix/etc ;;
esac

echo "-- a try without doing it"
files >/srv/before
texts >/srv/texts
$shell /first/install.sh --dry-run >/srv/said
grep -q "$program" /srv/said || fail "it does not say where to"
files >/srv/after
diff /srv/before /srv/after || fail "a dry run does something"

echo "-- installed"
$shell /first/install.sh
$shell /first/install.sh --dry-run >/dev/null
[ "$($program --version)" = "$(/first/nanoprobe --version)" ] || fail "it does not run"
if [ -n "$(process)" ]; then fail "it runs without a configuration"; fi
mkdir -p /srv/data
echo "what it is about" >/srv/data/file
(umask 077 && mkdir -p /etc/nanoprobe && echo secret >/etc/nanoprobe/passphrase)
BORG_PASSCOMMAND='cat /etc/nanoprobe/passphrase' $program init --encryption repokey-blake2 /srv/repository 2>/dev/null
sed "s|, \"/etc\"||; s|/home|/srv/data|; s|/mnt/backup|/srv|" $prefix/share/nanoprobe/config.toml >/etc/nanoprobe/config.toml
$program agent check
sum=$(sha256sum /etc/nanoprobe/config.toml /etc/nanoprobe/passphrase)
if has_service; then
    service start
    service status
    old=$(process)
    [ -n "$old" ] || fail "it does not run"
fi
$program agent run-due --state $state >/dev/null || fail "no backup"

echo "-- a newer one, while it runs, with a link for front ends"
cp /second/nanoprobe /srv/undamaged
if printf x >>/second/nanoprobe && $shell /second/install.sh --borg-link; then fail "a damaged program is installed"; fi
[ "$($program --version)" = "$(/first/nanoprobe --version)" ] || fail "the old one is gone"
mv /srv/undamaged /second/nanoprobe
$shell /second/install.sh --borg-link
cmp /second/nanoprobe $program || fail "the old one is there"
case $($prefix/bin/borg --version) in "borg "*) ;; *) fail "no link" ;; esac
if has_service; then
    service status
    [ "$(process)" != "$old" ] && [ "$(process | wc -l)" = 1 ] || fail "the old one runs: $(process)"
fi
[ "$(sha256sum /etc/nanoprobe/config.toml /etc/nanoprobe/passphrase)" = "$sum" ] || fail "the configuration has changed"

case $init in
synology | qnap)
    echo "-- after a start that forgot"
    rm -f /etc/nanoprobe /var/lib/nanoprobe /usr/local/bin/nanoprobe
    service start
    [ "$(cat /etc/nanoprobe/passphrase)" = secret ] && nanoprobe --version || fail "its links are not made again"
    ;;
esac

echo "-- the same without the link"
$shell /second/install.sh
[ ! -h $prefix/bin/borg ] || fail "the link is left"

echo "-- uninstalled"
$shell $prefix/share/nanoprobe/install.sh uninstall
[ -z "$(process)" ] || fail "it runs"
[ -e $state/state ] || fail "the state is gone"
[ "$(cat $configuration/passphrase)" = secret ] && [ -e $configuration/config.toml ] || fail "the configuration is gone"

echo "-- installed, and taken away with all but secrets"
$shell /second/install.sh
if has_service; then service status; fi
$shell $prefix/share/nanoprobe/install.sh --purge uninstall | tee /srv/said
[ "$(cat $configuration/passphrase)" = secret ] || fail "the passphrase is gone"
grep -q "$configuration/passphrase" /srv/said || fail "it does not say what stays"
[ ! -e $state ] && [ ! -e $configuration/config.toml ] || fail "something stays that should not"
rm -rf $configuration/passphrase /root/.cache /root/.config
rmdir $configuration
case $init in qnap | synology) rmdir $prefix ;; esac
files >/srv/after
diff /srv/before /srv/after || fail "something is left"
texts | diff /srv/texts - || fail "a file that is not ours is not as it was"

echo "-- what is not its own"
mkdir -p $prefix/bin
echo other >$program
if $shell /first/install.sh; then fail "it overwrites another's program"; fi
[ "$(cat $program)" = other ] || fail "another's program is gone"
[ ! -e $prefix/share/nanoprobe ] || fail "it leaves something"
if $shell /first/install.sh --dry-run; then fail "a dry run does not tell"; fi
rm $program
