#!/usr/bin/env bash
# Installs what building, checking and deploying Gristmill need: each tool at one version, and checked by its checksum
# before it is used. Nothing is done for a tool whose version is there already.
#
#   bash scripts/deploy/tools.sh                     all of TOOLS below
#   bash scripts/deploy/tools.sh terraform           some of them, by name
#   . scripts/deploy/path.sh                         then puts them on the PATH of this shell
#
# They go below target/tools (below $CARGO_TARGET_DIR/tools, where that is set), and Rust to where rustup puts it.
# Linux on x86-64 or arm64, with bash, curl, tar, sha256sum and Python 3.11 or later.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

TOOLS=(rust package terraform shellcheck checkov moto pyyaml zizmor awscli)

# Checksums of what the projects publish. Each was found in at least two public projects that do not copy from each other.
RUSTUP_VERSION=1.29.0
TERRAFORM_VERSION=1.11.4
SHELLCHECK_VERSION=0.11.0
machine="$(uname -m)"
case "$machine" in
    x86_64)
        RUSTUP_SHA256=4acc9acc76d5079515b46346a485974457b5a79893cfb01112423c89aeb5aa10
        TERRAFORM_SHA256=1ce994251c00281d6845f0f268637ba50c0005657eb3cf096b92f753b42ef4dc
        terraform_machine=amd64
        ;;
    aarch64 | arm64)
        machine=aarch64
        RUSTUP_SHA256=9732d6c5e2a098d3521fca8145d826ae0aaa067ef2385ead08e6feac88fa5792
        TERRAFORM_SHA256=a43d1d0da9b9bab214a8305a39db0e40869572594ccf50c416a7756499143633
        SHELLCHECK_SHA256=12b331c1d2db6b9eb13cfca64306b1b157a86eb69db83023e261eaa7e7c14588
        terraform_machine=arm64
        ;;
    *)
        echo "these tools are pinned for x86-64 and arm64, not for $machine" >&2
        exit 1
        ;;
esac

# shellcheck source=scripts/deploy/path.sh
. scripts/deploy/path.sh
mkdir -p "$GRISTMILL_TOOLS/bin"

# Two may ask for the same tool at a time; the second then finds it there.
exec {lock}>"$GRISTMILL_TOOLS/lock"
flock "$lock"

scratch="$(mktemp -d)"
trap 'rm -rf "$scratch"' EXIT

# Fetches a file, and takes it only if it is the one that was expected.
download() {
    local url="$1" sha256="$2" file="$3"
    curl --proto '=https' --tlsv1.2 --fail --silent --show-error --location --retry 3 --output "$file" "$url"
    if ! echo "$sha256  $file" | sha256sum --check --status; then
        echo "$url has the SHA-256 $(sha256sum <"$file" | cut -d' ' -f1), not $sha256: it is not used" >&2
        return 1
    fi
}

# A Python tool with all that it needs, in an environment of its own. The requirements name every package with its
# checksums; only built packages are taken, because pip checks nothing of what it downloads to build one.
python_tool() {
    local name="$1" command home="$GRISTMILL_TOOLS/$1" requirements="requirements/$1.txt" wanted
    shift
    wanted="$(sha256sum <"$requirements")"
    if [ "$(cat "$home/installed" 2>/dev/null)" = "$wanted" ]; then
        echo "$name: $home is as $requirements says"
    else
        python3 -c 'import sys; sys.exit(sys.version_info < (3, 11) and f"Python 3.11 or later is needed, not {sys.version}")'
        rm -rf "$home"
        python3 -m venv "$home"
        "$home/bin/pip" install --quiet --disable-pip-version-check --require-hashes --only-binary :all: \
            --requirement "$requirements"
        echo "$wanted" >"$home/installed"
        echo "$name: installed from $requirements"
    fi
    for command in "$@"; do ln -sf "../$name/bin/$command" "$GRISTMILL_TOOLS/bin/$command"; done
}

# The version that a requirements file names.
required() {
    sed -nE "s/^$1(\[[a-z,]*\])?==([^ ]+) .*/\2/p" "requirements/$2.txt"
}

# True when a command is there and tells the version that is wanted.
has() {
    local version="$1"
    shift
    command -v "$1" >/dev/null && grep --quiet --fixed-strings --word-regexp "$version" <<<"$("$@" 2>/dev/null)"
}

# rustup, then the compiler that rust-toolchain.toml names, which rustup checks by its manifest. A rustup that is there
# is taken if it can install what that file names; its own version has no part in what is built.
tool_rust() {
    if ! command -v rustup >/dev/null; then
        download "https://static.rust-lang.org/rustup/archive/$RUSTUP_VERSION/$machine-unknown-linux-gnu/rustup-init" \
            "$RUSTUP_SHA256" "$scratch/rustup-init"
        chmod +x "$scratch/rustup-init"
        "$scratch/rustup-init" -y --quiet --no-modify-path --profile minimal --default-toolchain none
    fi
    rustup --version
    # Without a name it installs what rust-toolchain.toml says, with its components.
    rustup toolchain install --no-self-update
    # The functions run on arm64, wherever they are built.
    rustup target add aarch64-unknown-linux-gnu
    cargo --version
}

# cargo-lambda, the zig that links for it, and the program that compresses. What they are decides the bytes of the
# packages, so another one on the PATH is never taken.
tool_package() {
    python_tool package cargo-lambda
}

tool_terraform() {
    if has "v$TERRAFORM_VERSION" terraform version; then
        echo "terraform: $(command -v terraform) is $TERRAFORM_VERSION"
        return
    fi
    local archive="terraform_${TERRAFORM_VERSION}_linux_$terraform_machine.zip"
    download "https://releases.hashicorp.com/terraform/$TERRAFORM_VERSION/$archive" "$TERRAFORM_SHA256" "$scratch/$archive"
    python3 -m zipfile --extract "$scratch/$archive" "$scratch/terraform"
    install -m 0755 "$scratch/terraform/terraform" "$GRISTMILL_TOOLS/bin/terraform"
    terraform version
}

tool_shellcheck() {
    if has "$SHELLCHECK_VERSION" shellcheck --version; then
        echo "shellcheck: $(command -v shellcheck) is $SHELLCHECK_VERSION"
    elif [ "$machine" = x86_64 ]; then
        python_tool shellcheck shellcheck
    else
        # Its Python package has nothing for arm64 Linux.
        local archive="shellcheck-v$SHELLCHECK_VERSION.linux.$machine.tar.xz"
        download "https://github.com/koalaman/shellcheck/releases/download/v$SHELLCHECK_VERSION/$archive" \
            "$SHELLCHECK_SHA256" "$scratch/$archive"
        tar --extract --xz --file "$scratch/$archive" --directory "$scratch"
        install -m 0755 "$scratch/shellcheck-v$SHELLCHECK_VERSION/shellcheck" "$GRISTMILL_TOOLS/bin/shellcheck"
        shellcheck --version
    fi
}

tool_checkov() {
    if has "$(required checkov checkov)" checkov --version; then
        echo "checkov: $(command -v checkov) is there"
    else
        python_tool checkov checkov
    fi
}

tool_zizmor() {
    if has "$(required zizmor zizmor)" zizmor --version; then
        echo "zizmor: $(command -v zizmor) is there"
    else
        python_tool zizmor zizmor
    fi
}

tool_moto() {
    python_tool moto moto_server
}

# A library, for scripts/buildspec.py, which runs itself by this environment's Python.
tool_pyyaml() {
    python_tool pyyaml
}

# Version 1, to check commands by. Not on the PATH: what is deployed by is version 2.
tool_awscli() {
    python_tool awscli
}

main() {
    local names=("$@") name
    if [ ${#names[@]} -eq 0 ]; then names=("${TOOLS[@]}"); fi
    for name in "${names[@]}"; do
        if ! declare -F "tool_$name" >/dev/null; then
            echo "there is no tool '$name'; there are: ${TOOLS[*]}" >&2
            exit 2
        fi
    done
    for name in "${names[@]}"; do "tool_$name"; done
}

main "$@"
