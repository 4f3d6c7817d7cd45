#!/bin/sh
# install.sh [OPTION…] [install]: puts this program on this machine, and its agent under the care of whatever starts services here.
# install.sh [OPTION…] uninstall: takes away what it put there, and nothing else. Configuration, keys, passphrases and state stay.
#
#   --prefix DIRECTORY  where to (/usr/local; /usr on OpenWrt; on Synology and QNAP a directory that outlives updates)
#   --init NAME         instead of finding out: systemd, openrc, procd, synology, qnap, sysv, cron or none
#   --no-service        the program alone; as --init none
#   --borg-link         also a link by which front ends find it under the name of borg
#   --root DIRECTORY    a system that is not running, in this directory
#   --dry-run           says what would be done
#   --purge             uninstall: state, caches and config.toml too, but neither keys nor passphrases
#
# It asks for nothing but a shell such as busybox has. Each thing that it puts down stands in a manifest before it is there, so that
# uninstall also cleans up after an installation that was cut off.
set -eu

VERSION=@VERSION@
TRIPLE=@TRIPLE@
here=$(cd "$(dirname "$0")" && pwd -P)
prefix='' root='' init='' command=install
borg_link=false is_dry=false purge=false

fail() {
    echo "install.sh: $*" >&2
    exit 1
}

usage() { sed -n '2,/^$/{/^set -eu/,$d;s/^# \{0,1\}//p;}' "$0"; }

while [ $# != 0 ]; do
    case $1 in
    --prefix | --root | --init)
        [ $# -ge 2 ] || fail "$1 wants a value"
        case $1 in
        --prefix) prefix=${2%/} ;;
        --root) root=${2%/} ;;
        --init) init=$2 ;;
        esac
        shift
        ;;
    --no-service) init=none ;;
    --borg-link) borg_link=true ;;
    --dry-run) is_dry=true ;;
    --purge) purge=true ;;
    install | uninstall) command=$1 ;;
    -h | --help) usage; exit 0 ;;
    *) fail "what is $1? --help tells what there is" ;;
    esac
    shift
done

# --- What kind of machine it is ---

find_init() {
    if [ -e "$root/etc/synoinfo.conf" ]; then echo synology
    elif [ -e "$root/etc/config/qpkg.conf" ]; then echo qnap
    elif [ -e "$root/etc/openwrt_release" ] || [ -e "$root/sbin/procd" ]; then echo procd
    elif [ -d "$root/run/systemd/system" ] || { [ -n "$root" ] && has lib/systemd/systemd usr/lib/systemd/systemd; }; then echo systemd
    elif has sbin/openrc-run usr/sbin/openrc-run; then echo openrc
    elif [ -d "$root/etc/init.d" ]; then echo sysv
    elif [ -n "$(cron_file)" ]; then echo cron
    else echo none
    fi
}

has() {
    for name in "$@"; do if [ -e "$root/$name" ]; then return 0; fi; done
    return 1
}

# A table of cron's; those of directories take a user's name in each line.
cron_file() {
    for name in /etc/cron.d /etc/crontabs /var/spool/cron/crontabs /etc/crontab; do
        if [ -e "$root$name" ]; then
            case $name in
            */cron.d) echo "$name/nanoprobe" ;;
            */crontabs) echo "$name/root" ;;
            *) echo "$name" ;;
            esac
            return
        fi
    done
}

# The data volume of a QNAP, whose system forgets everything else.
qnap_volume() {
    sed -n 's/^Install_Path *= *\(.*\)\/\.qpkg\/.*/\1/p' "$root/etc/config/qpkg.conf" | sed -n 1p
}

decide() {
    # The copy that lies where it was installed knows where that is, and what was found then.
    if [ -e "$here/manifest" ]; then
        prefix=${here#"$(cd "$root/" && pwd -P)"}
        prefix=/${prefix#/}
        prefix=${prefix%/share/nanoprobe}
    fi
    if [ -z "$init" ] && [ "$command" = uninstall ] && [ -e "$here/manifest" ]; then init=$(sed -n 's/^init //p' "$here/manifest"); fi
    [ -n "$init" ] || init=$(find_init)
    case $init in
    systemd | openrc | procd | synology | qnap | sysv | cron | none) ;;
    *) fail "--init $init: systemd, openrc, procd, synology, qnap, sysv, cron and none are known" ;;
    esac
    if [ -z "$prefix" ]; then
        case $init in
        procd) prefix=/usr ;;
        synology) prefix=/usr/local/nanoprobe ;;
        qnap)
            volume=$(qnap_volume)
            [ -n "$volume" ] || fail "no data volume is known here; --prefix names a directory on it"
            prefix=$volume/.qpkg/nanoprobe
            ;;
        *) prefix=/usr/local ;;
        esac
    fi
    case $prefix in
    /*) ;;
    *) fail "--prefix $prefix is no absolute path" ;;
    esac
    case $prefix$root in
    *[![:alnum:]/._-]*) fail "--prefix and --root may have letters, digits, and / . _ -" ;;
    esac
    shared=$prefix/share/nanoprobe
    manifest=$root$shared/manifest
}

# --- What is put down, and taken away ---

act() {
    if $is_dry; then echo "would $*"; else "$@"; fi
}

# A line for the manifest, before the thing that it tells of.
record() {
    if $is_dry; then echo "would put down: $*"; return; fi
    grep -Fxq "$*" "$manifest" || echo "$*" >>"$manifest"
}

is_ours() { for list in "$manifest" "$manifest.old"; do if [ -e "$list" ] && grep -Fxq "$*" "$list"; then return 0; fi; done; return 1; }

refuse_foreign() {
    if [ -e "$root$2" ] || [ -h "$root$2" ]; then is_ours "$1 $2" || give_up "$2 is there already, and not from here: remove it first"; fi
}

# Directories that are not there yet, or were not before us, the outer ones first.
directory() {
    if [ -z "$1" ] || { [ -d "$root$1" ] && ! is_ours "directory $1"; }; then return 0; fi
    directory "${1%/*}"
    record "directory $1"
    if ! $is_dry && [ ! -d "$root$1" ]; then mkdir "$root$1"; fi
}

# Of standard input, with this mode.
file() {
    refuse_foreign file "$2"
    directory "${2%/*}"
    record "file $2"
    if $is_dry; then cat >/dev/null; return; fi
    cat >"$root$2.new"
    chmod "$1" "$root$2.new"
    mv -f "$root$2.new" "$root$2"
}

link() {
    refuse_foreign link "$1"
    directory "${1%/*}"
    record "link $1"
    if ! $is_dry; then
        rm -f "$root$1"
        ln -s "$2" "$root$1"
    fi
}

# A line at the end of a file that is not ours.
line() {
    record "line $1 $2"
    if ! $is_dry && ! grep -Fxq "$2" "$root$1" 2>/dev/null; then echo "$2" >>"$root$1"; fi
}

# Rewrites a file that is not ours, in place, because others may hold it open or have linked it.
filter() {
    target=$1
    shift
    [ -e "$target" ] || return 0
    "$@" <"$target" >"$target.nanoprobe" || true
    cat "$target.nanoprobe" >"$target"
    rm -f "$target.nanoprobe"
}

# Takes away what a line of the manifest tells of.
undo() {
    kind=${1%% *} rest=${1#* }
    case $kind in
    file | link) rm -f "$root$rest" "$root$rest.new" ;;
    directory) rmdir "$root$rest" 2>/dev/null || true ;;
    line) filter "$root${rest%% *}" grep -Fxv "${rest#* }" ;;
    section) filter "$root${rest%% *}" awk -v name="[${rest#* }]" '/^\[/ { inside = $0 == name } !inside' ;;
    esac
}

# The lines of a list, the last one first.
backwards() { awk '{ line[NR] = $0 } END { for (; NR > 0; NR--) print line[NR] }' "$@"; }

# --- The program ---

check_sum() {
    expected=$(cut -d ' ' -f 1 "$here/nanoprobe.sha256")
    if command -v sha256sum >/dev/null; then actual=$(sha256sum <"$1" | cut -d ' ' -f 1)
    elif command -v openssl >/dev/null; then actual=$(openssl dgst -sha256 -r <"$1" | cut -d ' ' -f 1)
    else
        echo "install.sh: neither sha256sum nor openssl is here: the program is taken unchecked"
        return 0
    fi
    [ "$actual" = "$expected" ] || return 1
}

# Beside its place first, where programs may run; a wrong one never gets there. One that runs keeps its old file until it ends.
program() {
    place=$prefix/bin/nanoprobe
    refuse_foreign file "$place"
    directory "${place%/*}"
    record "file $place"
    new=$root$place.new
    if $is_dry; then
        check_sum "$here/nanoprobe" || fail "the program is damaged: its SHA-256 is not that of nanoprobe.sha256"
        return
    fi
    cp "$here/nanoprobe" "$new"
    chmod 755 "$new"
    if ! check_sum "$new"; then
        rm -f "$new"
        give_up "the program is damaged: its SHA-256 is not that of nanoprobe.sha256"
    fi
    if ! told=$("$new" --version 2>&1); then
        if [ -n "$root" ]; then
            echo "install.sh: it does not run on this machine, and goes to $root all the same"
        else
            rm -f "$new"
            give_up "this is for $TRIPLE, and does not run on $(uname -m): $told"
        fi
    fi
    # What it says must be on the disk before its name is.
    sync
    mv -f "$new" "$root$place"
}

# Ends an installation that cannot be completed: a first one is taken back, of another the earlier program stays.
give_up() {
    if $is_dry; then fail "$*"; fi
    if [ -e "$manifest.old" ]; then
        cat "$manifest" >>"$manifest.old"
        mv -f "$manifest.old" "$manifest"
    else
        take_away "$manifest"
    fi
    fail "$*"
}

take_away() {
    entries=$(backwards "$@")
    echo "$entries" | while read -r entry; do undo "$entry"; done
    rm -f "$@"
    # Once more, for the directories that the manifest was in.
    echo "$entries" | while read -r entry; do undo "$entry"; done
}

# --- Its agent ---

# A script of the tarball, for where things are here.
script() {
    sed -e "s|/usr/bin/nanoprobe|$prefix/bin/nanoprobe|" -e "s|/usr/local/bin/nanoprobe|$prefix/bin/nanoprobe|" \
        -e "s|^LINKS=.*|LINKS='${links:-}'|" "$here/services/$1"
}

# A system that forgets: what is kept lies below the prefix, and links to it are made at each start.
kept_links() { links="/etc/nanoprobe=$prefix/etc /var/lib/nanoprobe=$prefix/state /usr/local/bin/nanoprobe=$prefix/bin/nanoprobe"; }

service() {
    case $init in
    systemd)
        for unit in "$here"/services/*.service; do script "${unit##*/}" | file 644 "/etc/systemd/system/${unit##*/}"; done
        link /etc/systemd/system/multi-user.target.wants/nanoprobe.service ../nanoprobe.service
        ;;
    openrc)
        script nanoprobe.openrc | file 755 /etc/init.d/nanoprobe
        script nanoprobe-web.openrc | file 755 /etc/init.d/nanoprobe-web
        link /etc/runlevels/default/nanoprobe /etc/init.d/nanoprobe
        ;;
    procd)
        script nanoprobe.procd | file 755 /etc/init.d/nanoprobe
        script nanoprobe-web.procd | file 755 /etc/init.d/nanoprobe-web
        link /etc/rc.d/S95nanoprobe ../init.d/nanoprobe
        ;;
    synology)
        kept_links
        script nanoprobe.init | file 755 /usr/local/etc/rc.d/nanoprobe.sh
        ;;
    qnap)
        kept_links
        script nanoprobe.init | file 755 "$prefix/nanoprobe.sh"
        section=/etc/config/qpkg.conf
        record "section $section nanoprobe"
        if ! $is_dry; then
            undo "section $section nanoprobe"
            printf '%s\n' '[nanoprobe]' 'Name = nanoprobe' "Version = $VERSION" 'Enable = TRUE' 'RC_Number = 198' \
                "Install_Path = $prefix" "Shell = $prefix/nanoprobe.sh" >>"$root$section"
        fi
        ;;
    sysv)
        if ls "$root"/etc/init.d/S[0-9][0-9]* >/dev/null 2>&1; then
            # Scripts that busybox's rcS runs in the order of their names.
            script nanoprobe.init | file 755 /etc/init.d/S80nanoprobe
        else
            script nanoprobe.init | file 755 /etc/init.d/nanoprobe
            for level in 2 3 4 5; do if [ -d "$root/etc/rc$level.d" ]; then link "/etc/rc$level.d/S80nanoprobe" ../init.d/nanoprobe; fi; done
            for level in 0 1 6; do if [ -d "$root/etc/rc$level.d" ]; then link "/etc/rc$level.d/K20nanoprobe" ../init.d/nanoprobe; fi; done
        fi
        ;;
    cron)
        table=$(cron_file)
        [ -n "$table" ] || fail "no table of cron's is here"
        job="$prefix/bin/nanoprobe agent run-due >/dev/null"
        case $table in
        */cron.d/*) printf '%s\n' "*/10 * * * * root $job" | file 644 "$table" ;;
        */crontab) line "$table" "*/10 * * * * root $job" ;;
        *) line "$table" "*/10 * * * * $job" ;;
        esac
        ;;
    esac
}

# Tells what starts services; nobody is there to be told of another root.
tell() {
    if [ -n "$root" ] || $is_dry; then return 0; fi
    case $init in
    systemd) tell_systemd "$1" ;;
    openrc)
        case $1 in
        start) if configured; then rc-service nanoprobe start; fi ;;
        restart) for name in nanoprobe nanoprobe-web; do rc-service --ifstarted $name restart; done ;;
        stop)
            for name in nanoprobe-web nanoprobe; do rc-service --ifstarted $name stop; done
            rc-update --quiet --all del nanoprobe-web 2>/dev/null || true
            ;;
        esac
        ;;
    procd)
        case $1 in
        start) if configured; then /etc/init.d/nanoprobe start; fi ;;
        restart) for name in nanoprobe nanoprobe-web; do if /etc/init.d/$name running; then /etc/init.d/$name restart; fi; done ;;
        stop)
            /etc/init.d/nanoprobe-web disable
            for name in nanoprobe-web nanoprobe; do /etc/init.d/$name stop; done
            ;;
        esac
        ;;
    synology) tell_script /usr/local/etc/rc.d/nanoprobe.sh "$1" ;;
    qnap) tell_script "$prefix/nanoprobe.sh" "$1" ;;
    sysv) for name in /etc/init.d/nanoprobe /etc/init.d/S80nanoprobe; do tell_script "$name" "$1"; done ;;
    esac
}

tell_systemd() {
    systemctl daemon-reload || true
    case $1 in
    start) if configured; then systemctl start nanoprobe.service; fi ;;
    restart) systemctl try-restart nanoprobe.service nanoprobe-web.service ;;
    stop) systemctl disable --now nanoprobe-web.service && systemctl stop nanoprobe.service ;;
    esac
}

# Started in any case: that makes the links.
tell_script() {
    [ -x "$1" ] || return 0
    case $2 in
    restart) "$1" start && "$1" try-restart ;;
    *) "$1" "$2" ;;
    esac
}

configured() { [ -e /etc/nanoprobe/config.toml ]; }

# --- The two commands ---

install_all() {
    [ -e "$here/nanoprobe" ] || fail "there is no program beside install.sh: unpack the tarball"
    if [ "$(id -u)" != 0 ] && [ -z "$root" ] && [ "$init" != none ]; then fail "services are root's: become root, or give --no-service and a --prefix of your own"; fi
    was_there=false
    if ! $is_dry; then
        if [ -e "$manifest" ]; then
            was_there=true
            cat "$manifest" >>"$manifest.old"
        fi
        # The directories of the manifest itself stand at its head, to go last.
        made=''
        for name in "$prefix" "$prefix/share" "$shared"; do if [ ! -d "$root$name" ]; then made="$made $name"; fi; done
        mkdir -p "$root$shared"
        : >"$manifest"
        for name in $made; do record "directory $name"; done
        record "init $init"
    fi
    for name in "$prefix" "$prefix/share" "$shared"; do directory "$name"; done
    program
    for name in install.sh LICENSE-MIT LICENSE-APACHE copyright config.toml; do file 644 "$shared/$name" <"$here/$name"; done
    # What shells and man read, where these are.
    if has bin/bash usr/bin/bash; then file 644 "$prefix/share/bash-completion/completions/nanoprobe" <"$here/completions/bash"; fi
    if has bin/zsh usr/bin/zsh; then file 644 "$prefix/share/zsh/site-functions/_nanoprobe" <"$here/completions/zsh"; fi
    if has usr/bin/fish; then file 644 "$prefix/share/fish/vendor_completions.d/nanoprobe.fish" <"$here/completions/fish"; fi
    if has usr/bin/man; then file 644 "$prefix/share/man/man1/nanoprobe.1" <"$here/nanoprobe.1"; fi
    if $borg_link; then link "$prefix/bin/borg" nanoprobe; fi
    service
    if $is_dry; then return; fi
    # What an earlier installation had and this one has not.
    if [ -e "$manifest.old" ]; then
        backwards "$manifest.old" | while read -r entry; do grep -Fxq "$entry" "$manifest" || undo "$entry"; done
        rm -f "$manifest.old"
    fi
    sync
    echo "nanoprobe $VERSION is in $prefix/bin, its agent is started by: $init"
    if $was_there; then tell restart; else tell start; fi
    if [ -z "$root" ] && ! configured; then echo "next: $prefix/bin/nanoprobe agent init; nothing runs before"; fi
    echo "sh $shared/install.sh uninstall takes it away"
}

uninstall() {
    [ -e "$manifest" ] || [ -e "$manifest.old" ] || fail "there is no $manifest: it was not installed from here"
    for list in "$manifest.old" "$manifest"; do if [ ! -e "$list" ]; then : >"$list"; fi; done
    if $is_dry; then
        backwards "$manifest.old" "$manifest" | sed 's/^/would take away: /'
        return
    fi
    tell stop || true
    undo_links
    take_away "$manifest.old" "$manifest"
    if [ "$init" = systemd ]; then tell reload; fi
    if $purge; then
        case $init in
        synology | qnap)
            forget "$root$prefix/state" "$root$prefix/etc/config.toml"
            rmdir "$root$prefix" 2>/dev/null || true
            ;;
        procd) forget "$root/etc/nanoprobe/state" "$root/etc/nanoprobe/config.toml" ;;
        *) forget "$root/var/lib/nanoprobe" "$root/etc/nanoprobe/config.toml" ;;
        esac
    else
        echo "nanoprobe is gone; /etc/nanoprobe and its state stay"
    fi
}

# Those that its script has made.
undo_links() {
    case $init in synology | qnap) ;; *) return 0 ;; esac
    kept_links
    for pair in $links; do
        if [ "$(readlink "$root${pair%%=*}" 2>/dev/null)" = "${pair#*=}" ]; then rm -f "$root${pair%%=*}"; fi
    done
}

@FORGET@
decide
case $command in
install) install_all ;;
uninstall) uninstall ;;
esac
