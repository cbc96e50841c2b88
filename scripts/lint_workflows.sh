#!/usr/bin/env bash
# Holds what lies in .github/ against the rules for it. Nothing is skipped, and no network is needed once the tools are
# installed.
#
#   scripts/lint_workflows.sh               the workflows, dependabot.yml, and the tests of the scripts beside them
#   scripts/lint_workflows.sh --self-test   besides, breaks one rule at a time in a copy, and each must be noticed
#
# The rules that no tool has as such are here; zizmor and checkov know the others: template injection, triggers that
# give a stranger's code a token, permissions beyond the job's need, credentials left in the checkout, updates without
# a cooldown. Both are those of requirements/. (actionlint is not among them: its package on PyPI downloads the program
# from elsewhere while it is installed, and no checksum here would cover it.)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# The rules of our own, for the workflows below a folder. Prints what breaks them.
own_rules() {
    local bad=0 file line
    while IFS= read -r -d '' file; do
        if ! grep --quiet --line-regexp 'permissions: {}' "$file"; then
            echo "$file: the workflow as a whole must have no permission: 'permissions: {}' at the top"
            bad=1
        fi
        while IFS= read -r line; do
            echo "$file:$line: an action is named by the 40 digits of a commit, with its version as a comment"
            bad=1
        done < <(grep --line-number 'uses:' "$file" |
            grep --invert-match --extended-regexp '^[0-9]+: +(- )?uses: [A-Za-z0-9._/-]+@[0-9a-f]{40} # v[0-9]+(\.[0-9]+)*$' || true)
        if [ "$(grep --count 'uses: actions/checkout@' "$file")" != "$(grep --count 'persist-credentials: false$' "$file")" ]; then
            echo "$file: each checkout has 'persist-credentials: false': nothing here pushes"
            bad=1
        fi
        while IFS= read -r line; do
            echo "$file:$line: no workflow of this project uses a secret, and so no personal token"
            bad=1
        done < <(grep --line-number 'secrets[.[]' "$file" || true)
    done < <(find "$1/.github/workflows" -type f -print0 | sort --zero-terminated)
    return "$bad"
}

# Stops at the first that finds something. Joined by "and", because a condition switches `set -e` off for what it calls.
check() {
    own_rules "$1" &&
        zizmor --offline --no-progress --quiet --pedantic --strict-collection --collect=all "$1/.github" &&
        checkov --directory "$1/.github" --framework github_actions --skip-download --quiet --compact
}

# What is broken in the copy, and how: a name, a file, a sed program.
BREAKS=(
    "a tag instead of a commit|workflows/ci.yml|s/@[0-9a-f]{40} # v/@v/"
    "a commit without its version|workflows/ci.yml|s/ # v[0-9.]+\$//"
    "no permissions at the top|workflows/back-sync.yml|/^permissions: \{\}\$/d"
    "all permissions|workflows/back-sync.yml|s/^permissions: \{\}\$/permissions: write-all/"
    "an expression in a command|workflows/back-sync.yml|s/run: python3/run: echo \${{ github.head_ref }} \&\& python3/"
    "a secret|workflows/back-sync.yml|s/\\\$\{\{ github.token \}\}/\${{ secrets.PERSONAL_TOKEN }}/"
    "a trigger that runs a stranger's code|workflows/ci.yml|s/^  pull_request:/  pull_request_target:/"
    "credentials left in the checkout|workflows/ci.yml|s/persist-credentials: false/persist-credentials: true/"
    "updates without a cooldown|dependabot.yml|/cooldown:|default-days:|semver-major-days:/d"
    "a workflow that is none|workflows/ci.yml|s/^jobs:/jobbs:/"
)

self_test() {
    local scratch entry name file program missed=0
    scratch="$(mktemp -d)"
    # shellcheck disable=SC2064 # the folder's name of now
    trap "rm -rf '$scratch'" EXIT
    for entry in "${BREAKS[@]}"; do
        # The program may contain the separator, the name and the file do not.
        name="${entry%%|*}" file="${entry#*|}"
        program="${file#*|}" file="${file%%|*}"
        rm -rf "$scratch/.github"
        cp -R .github "$scratch/.github"
        sed --in-place --regexp-extended "$program" "$scratch/.github/$file"
        if cmp --quiet ".github/$file" "$scratch/.github/$file"; then
            echo "self-test: '$name' changes nothing in .github/$file" >&2
            missed=1
        elif check "$scratch" >"$scratch/said" 2>&1; then
            echo "self-test: not noticed: $name" >&2
            missed=1
        else
            printf 'noticed: %-40s %s\n' "$name" "$(grep --max-count 1 --extended-regexp '^(error|warning|help|info|fatal)|: |CKV' "$scratch/said" | sed "s#$scratch/##g" | cut -c1-110)"
        fi
    done
    return "$missed"
}

bash scripts/deploy/tools.sh zizmor checkov
# shellcheck source=scripts/deploy/path.sh
. scripts/deploy/path.sh
check .
python3 .github/scripts/test_back_sync.py
if [ "${1:-}" = --self-test ]; then self_test; fi
