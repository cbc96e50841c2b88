# shellcheck shell=bash
# What plan.sh and apply.sh have in common; read with `.` from the root of the repository.

# Says what is wrong, and ends.
refuse() {
    echo "$0: $1" >&2
    exit 1
}

: "${GRISTMILL_ENVIRONMENT:?is not set: the environment, as in infrastructure/environments/<environment>.tfvars}"
: "${GRISTMILL_STATE_BUCKET:?is not set: the bucket of the state, which codepipeline/ makes}"
GRISTMILL_NAME="${GRISTMILL_NAME:-gristmill}"
GRISTMILL_REGION="${GRISTMILL_REGION:-${AWS_REGION:-${AWS_DEFAULT_REGION:-}}}"
: "${GRISTMILL_REGION:?is not set: the region of the stack}"
GRISTMILL_STATE_KEY="${GRISTMILL_STATE_KEY:-$GRISTMILL_NAME/$GRISTMILL_ENVIRONMENT/terraform.tfstate}"

# Puts the packages of the step Build where the plan looks for them.
take_packages() {
    if [ -n "${GRISTMILL_PACKAGES:-}" ]; then
        rm -rf target/lambda
        mkdir -p target/lambda
        cp -R "$GRISTMILL_PACKAGES/target/lambda/." target/lambda/
    fi
    local name
    for name in processor analyzer notifier; do
        [ -s "target/lambda/$name/bootstrap.zip" ] ||
            refuse "there is no package target/lambda/$name/bootstrap.zip: build first, or name its folder in GRISTMILL_PACKAGES"
    done
}

terraform_init() {
    local arguments=(
        -input=false
        # The providers that were reviewed, and no others.
        -lockfile=readonly
        -backend-config="bucket=$GRISTMILL_STATE_BUCKET"
        -backend-config="key=$GRISTMILL_STATE_KEY"
        -backend-config="region=$GRISTMILL_REGION"
        -backend-config=use_lockfile=true
    )
    # A folder of providers, where there is no registry.
    if [ -n "${GRISTMILL_TERRAFORM_PLUGINS:-}" ]; then arguments+=(-plugin-dir="$GRISTMILL_TERRAFORM_PLUGINS"); fi
    terraform -chdir=infrastructure init "${arguments[@]}"
}
