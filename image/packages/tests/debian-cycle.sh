#!/bin/sh
# The life of the package, in a Debian system of its own: /first.deb, /second.deb (a newer version with another conffile).
set -eu

fail() {
    echo "FAILED: $*"
    exit 1
}

state=/var/lib/nanoprobe
keys=$state/borg/.config/borg/keys
wanted=$(dpkg-deb -f /first.deb Architecture)

files() { find / -xdev \( -path /proc -o -path /sys -o -path /var/lib/dpkg -o -path /var/log -o -path /var/cache -o -path /run -o -path /srv \) -prune -o -printf '%p %m %y %l\n' | sort; }

process() { cat /run/nanoprobe/pid; }

echo "-- installed"
files >/srv/before
dpkg -i /first.deb
[ "$(dpkg --print-architecture)" = "$wanted" ] || fail "this is no $wanted"
nanoprobe --version
[ "$(stat -c '%a %u' /etc/nanoprobe $state | sort -u)" = '700 0' ] || fail "secrets would be readable"
[ -L /etc/systemd/system/multi-user.target.wants/nanoprobe.service ] || fail "the unit does not start with the system"
# shellcheck disable=SC2016 # dpkg's own variable
[ "$(dpkg-query -W -f '${Conffiles}\n' nanoprobe | grep -c /etc/)" = 2 ] || fail "two conffiles are expected"
for completion in /usr/share/bash-completion/completions/nanoprobe /usr/share/zsh/vendor-completions/_nanoprobe /usr/share/fish/vendor_completions.d/nanoprobe.fish; do
    [ -s $completion ] || fail "$completion is not there"
done
if service nanoprobe status; then fail "it runs without a configuration"; fi
sed "s|, \"/etc\"||; s|/home|/srv/data|; s|/mnt/backup|/srv|; s|^# base = |base = |" /usr/share/doc/nanoprobe/examples/config.toml >/etc/nanoprobe/config.toml
nanoprobe agent check

echo "-- at work"
mkdir -p /srv/data
echo "what it is about" >/srv/data/file
(umask 077 && echo secret >/etc/nanoprobe/passphrase)
BORG_BASE_DIR=$state/borg BORG_PASSCOMMAND='cat /etc/nanoprobe/passphrase' nanoprobe init --encryption keyfile-blake2 /srv/repository 2>/dev/null
nanoprobe agent run-due >/dev/null
service nanoprobe start
old=$(process)
service nanoprobe status
echo 'TZ=Europe/Berlin' >>/etc/default/nanoprobe
sha256sum "$keys"/* /etc/nanoprobe/passphrase >/srv/secrets
sum=$(sha256sum </etc/nanoprobe/config.toml)

echo "-- upgraded"
dpkg --force-confold -i /second.deb
grep -qx TZ=Europe/Berlin /etc/default/nanoprobe || fail "the owner's conffile is lost"
[ -e /etc/default/nanoprobe.dpkg-dist ] || fail "the package's conffile is not offered"
[ "$(sha256sum </etc/nanoprobe/config.toml)" = "$sum" ] || fail "the configuration has changed"
service nanoprobe status
[ "$(process)" != "$old" ] || fail "the old agent still runs"
tr '\0' '\n' <"/proc/$(process)/environ" | grep -qx TZ=Europe/Berlin || fail "the agent does not have the variables of /etc/default"

echo "-- the same again"
dpkg --force-confold -i /second.deb

echo "-- removed"
dpkg -r nanoprobe
[ ! -e /usr/bin/nanoprobe ] || fail "the program is left"
[ ! -e "/proc/$(cat /run/nanoprobe/pid 2>/dev/null || echo none)" ] || fail "the agent still runs"
for kept in /etc/nanoprobe/config.toml /etc/default/nanoprobe $state/state; do [ -e $kept ] || fail "$kept is gone"; done
sha256sum --check --quiet /srv/secrets

echo "-- installed again"
dpkg -i /second.deb
service nanoprobe status
nanoprobe agent status | grep -q '^fine *backup files' || fail "it does not know what it did"

echo "-- purged"
# What later versions write there.
mkdir -p $state/requests
touch $state/history $state/requests/one /etc/nanoprobe/web-token
dpkg -P nanoprobe | tee /srv/said
sha256sum --check --quiet /srv/secrets || fail "purge took keys"
while read -r _ secret; do grep -qF "$secret" /srv/said || fail "purge does not name $secret"; done </srv/secrets
[ ! -e /etc/nanoprobe/config.toml ] && [ ! -e $state/state ] && [ ! -e $state/borg/.cache ] && [ ! -e $state/requests ] && [ ! -e /etc/nanoprobe/web-token ] || fail "purge left what it should not"
rm -rf /etc/nanoprobe $state
files >/srv/after
diff /srv/before /srv/after || fail "something is left"
dpkg --audit

echo "-- installed and purged at once"
dpkg -i /first.deb >/dev/null
dpkg -P nanoprobe | tee /srv/said
if grep -q 'these stay' /srv/said; then fail "purge names what is not there"; fi
files >/srv/after
diff /srv/before /srv/after || fail "something is left"
