# shellcheck shell=bash
# Sourced by build.sh, for which it sets OPTIONS and COMPILER_FLAGS: a compiler for every triple, in target/compiler, from Debian's packages and PyPI alone. Nothing is
# installed into the system. Needs apt-get, dpkg-deb and Python 3 with venv; some 220 MB.

compiler=$PWD/target/compiler

if [ ! -e "$compiler/done" ]; then
    printf '\n== a compiler\n' >&2
    mkdir -p "$compiler/packages"
    (
        cd "$compiler/packages"
        depends() { apt-cache depends "$1" | sed -nE "s/^ *Depends: ($2)\$/\1/p"; }
        library=$(depends libstd-rust-web-dev 'libstd-rust-web-[0-9.]+')
        llvm=$(depends "$library" 'libllvm[0-9]+')
        # Its compiler, what runs what it makes, and what models.py asks.
        apt-get download -qq -o Acquire::Retries=3 rustc-web rust-web-src libstd-rust-web-dev "$library" "$llvm" qemu-user-static "llvm-${llvm#libllvm}"
        for package in *.deb; do dpkg-deb -x "$package" ../root; done
    )
    rm -rf "$compiler/packages"
    python3 -m venv "$compiler/venv"
    "$compiler/venv/bin/pip" install --quiet --disable-pip-version-check ziglang==0.17.1 cargo-zigbuild==0.24.0
    touch "$compiler/done"
fi

export PATH="$compiler/venv/bin:$compiler/root/usr/bin:$PATH"
export RUSTC="$compiler/root/usr/bin/rustc"
LD_LIBRARY_PATH=$(dirname "$(find "$compiler/root/usr/lib" -name 'librustc_driver*.so' | head -n 1)")
export LD_LIBRARY_PATH
# The standard library's source is Debian's, and compiling it is a matter of this compiler alone.
export RUSTC_BOOTSTRAP=1
# No walk through the stack is ever printed, and panics tell what, not where: places in the source would be a fiftieth of the program.
OPTIONS=(-Z build-std=std,panic_abort -Z build-std-features=optimize_for_size)
COMPILER_FLAGS="-Clink-self-contained=no -Zlocation-detail=none --remap-path-prefix=$compiler/root=/compiler"
