#!/bin/sh
# Prints what `uci export nanoprobe` says as the TOML that `nanoprobe agent` reads. A section becomes a table; an option keeps its name, and
# check_, keep_, drill_, mail_ and lights_ before it name the table inside. What means nothing is not left out: `nanoprobe agent check`
# says so, and which line it is.
set -eu

header='' main='' tables=''

quoted() { printf '"%s"' "$(printf '%s' "$1" | sed 's/[\\"]/\\&/g')"; }

# A value as TOML: numbers and flags only where they are expected, so that "1" can be a name elsewhere.
value() {
    case $1 in
    nice | upload | check_days | keep_hourly | keep_daily | keep_weekly | keep_monthly | keep_yearly | keep_last | drill_files | drill_largest)
        case $2 in
        '' | *[!0-9]*) quoted "$2" ;;
        *) printf %s "$2" ;;
        esac
        ;;
    idle_io | compact | exclude_caches | one_file_system | allow_empty)
        case $2 in
        1 | on | true | yes | enabled) printf true ;;
        0 | off | false | no | disabled) printf false ;;
        *) quoted "$2" ;;
        esac
        ;;
    *) quoted "$2" ;;
    esac
}

# A line `KEY = VALUE`, in the table that the name's beginning tells.
line() {
    case $1 in
    check_* | keep_* | drill_* | mail_* | lights_*)
        table=${1%%_*}
        case " $tables " in *" $table "*) ;; *) tables="$tables $table" ;; esac
        eval "lines=\${table_$table:-}"
        # shellcheck disable=SC2154 # eval sets it
        lines="$lines${1#*_} = $2
"
        eval "table_$table=\$lines"
        ;;
    *)
        main="$main$1 = $2
"
        ;;
    esac
}

# What was gathered of a section is printed when the next one begins.
finish() {
    if [ -z "$header" ]; then return; fi
    for key in $lists; do
        eval "items=\$list_$key"
        # shellcheck disable=SC2154 # eval sets it
        line "$key" "[$items]"
        unset "list_$key"
    done
    printf '[%s]\n%s\n' "$header" "$main"
    for table in $tables; do
        eval "lines=\$table_$table"
        printf '[%s.%s]\n%s\n' "$header" "$table" "$lines"
        unset "table_$table"
    done
}

# What `uci export` prints are calls of these.
package() { :; }

config() {
    finish
    main='' tables='' lists=''
    case $1 in
    # For the init script alone.
    agent) header='' ;;
    limits | reports | web) header=$1 ;;
    *)
        if [ -z "${2:-}" ]; then
            echo "nanoprobe: a section of type $1 has no name" >&2
            exit 1
        fi
        header=$1.$2
        ;;
    esac
}

option() {
    case $1 in
    sources | exclude | require_mount | names) list "$1" "$2" ;;
    *) line "$1" "$(value "$1" "$2")" ;;
    esac
}

list() {
    eval "items=\${list_$1:-}"
    items="${items:+$items, }$(quoted "$2")"
    eval "list_$1=\$items"
    case " $lists " in *" $1 "*) ;; *) lists="$lists $1" ;; esac
}

exported=$(uci -q export nanoprobe)
echo "# Made of /etc/config/nanoprobe by /etc/init.d/nanoprobe: changes are lost."
eval "$exported"
finish
