# shellcheck shell=bash
# Puts what tools.sh installed on the PATH of the shell that reads this file with `.`.
GRISTMILL_TOOLS="$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)/target/tools"
if [ -n "${CARGO_TARGET_DIR:-}" ]; then
    mkdir -p "$CARGO_TARGET_DIR"
    GRISTMILL_TOOLS="$(cd "$CARGO_TARGET_DIR" && pwd)/tools"
fi
export GRISTMILL_TOOLS
export PATH="$GRISTMILL_TOOLS/bin:${CARGO_HOME:-$HOME/.cargo}/bin:$PATH"
