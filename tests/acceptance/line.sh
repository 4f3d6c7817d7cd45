#!/bin/sh
# Stands in for ssh: the far end is this machine. Variables of the client's side do not reach it.
shift
exec env -u BORG_REPO -u BORG_PASSPHRASE -u BORG_BASE_DIR -u BORG_CACHE_DIR -u BORG_KEYS_DIR "$@"
