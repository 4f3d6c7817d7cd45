# shellcheck shell=bash
# Sourced by rounds.sh, updates.sh and card.sh, which set AREA (a directory that is made anew) and, in FATAL, what on a console ends them at once: an emulated
# machine, switched on, listened to, and unplugged. What is left in AREA: the console of each time.

PATIENCE=${PATIENCE:-900}
# What is stopped in the end.
PROCESSES=()

say() { printf '\n== %s\n' "$*"; }

fail() {
    say "FAILED: $*"
    [ -z "${console:-}" ] || tail -n 20 "$console"
    exit 1
}

stop() {
    local process
    for process in ${machine:-} "${PROCESSES[@]}"; do kill -9 "$process" 2>/dev/null || true; done
}
trap stop EXIT

free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }

# The time by SNTP, at the port time_port; so many seconds ahead as the file AREA/ahead says.
start_time_server() {
    time_port=$(free_port)
    echo 0 >"$AREA/ahead"
    python3 - "$time_port" "$AREA/ahead" <<'END' &
import pathlib, socket, struct, sys, time
server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
server.bind(("127.0.0.1", int(sys.argv[1])))
while True:
    question, client = server.recvfrom(64)
    now = int((time.time() + int(pathlib.Path(sys.argv[2]).read_text()) + 2208988800) * 2**32)
    server.sendto(struct.pack("!BBbbII4sQ", 0x24, 2, 0, 0, 0, 0, b"test", now) + question[40:48] + struct.pack("!QQ", now, now), client)
END
    PROCESSES+=($!)
}

# Serves the directory AREA/www by HTTPS at the port web_port, to whoever believes AREA/authorities.pem; what is posted is a line of AREA/posted.
start_web_server() {
    web_port=$(free_port)
    mkdir -p "$AREA/www"
    : >"$AREA/posted"
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 30 -subj /CN=nanoprobe -addext subjectAltName=IP:10.0.2.2 \
        -keyout "$AREA/web.key" -out "$AREA/authorities.pem" 2>/dev/null
    python3 - "$AREA" "$web_port" 2>"$AREA/web.log" <<'END' &
import functools, http.server, pathlib, ssl, sys
area = pathlib.Path(sys.argv[1])
class Handler(http.server.SimpleHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        with open(area / "posted", "a") as posted:
            posted.write(self.path + "\n")
        self.send_response(204)
        self.end_headers()
server = http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[2])), functools.partial(Handler, directory=area / "www"))
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(area / "authorities.pem", area / "web.key")
server.socket = context.wrap_socket(server.socket, server_side=True)
server.serve_forever()
END
    PROCESSES+=($!)
}

# Switches it on at the time $2, with options for qemu; its console is the file AREA/$1.console.
boot() {
    console=$AREA/$1.console
    : >"$console"
    heard=0
    image/emulate.sh "$AREA/disk" -rtc "base=$(date -u -d "$2" +%Y-%m-%dT%H:%M:%S)" "${@:3}" </dev/null >"$console" 2>&1 &
    machine=$!
    began=$SECONDS
}

pull_plug() {
    kill -9 "$machine"
    wait "$machine" 2>/dev/null || true
    machine=
}

# Until a line of the console, behind the one that was awaited before, says it.
await() {
    local line
    until line=$(tail -n +$((heard + 1)) "$console" | grep -a -n -m 1 "$1"); do
        kill -0 "$machine" 2>/dev/null || fail "the machine stopped"
        ! grep -aqE "$FATAL" "$console" || fail "it says $(grep -a -m 1 -E "$FATAL" "$console")"
        [ $((SECONDS - began)) -lt "$PATIENCE" ] || fail "after $PATIENCE s no \"$1\""
        sleep 0.5
    done
    heard=$((heard + ${line%%:*}))
    printf '%4d s  %s\n' $((SECONDS - began)) "$(tr -d '\r' <<<"${line#*:}")"
}
