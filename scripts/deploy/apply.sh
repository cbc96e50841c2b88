#!/usr/bin/env bash
# Applies the plan that plan.sh made: that file, and no other.
#
#   GRISTMILL_ENVIRONMENT=dev GRISTMILL_STATE_BUCKET=… AWS_REGION=… bash scripts/deploy/apply.sh
#
# It ends without a change when the plan is missing, when the packages are not those that the plan was made with, and when
# the stack's state has moved on since (Terraform calls the plan stale then).
#
#   GRISTMILL_PLAN      folder of plan.tfplan and packages.sha256; target/plan
#   GRISTMILL_PACKAGES  the build's folder with target/lambda/; else what lies in target/lambda is taken
# and the others of plan.sh.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

# shellcheck source=scripts/deploy/stack.sh
. scripts/deploy/stack.sh

folder="$(cd "${GRISTMILL_PLAN:-target/plan}" 2>/dev/null && pwd)" || refuse "there is no folder ${GRISTMILL_PLAN:-target/plan}: plan first"
for name in plan.tfplan packages.sha256; do
    [ -s "$folder/$name" ] || refuse "there is no $name in $folder: plan first"
done

take_packages
(cd target/lambda && sha256sum --check --quiet --strict "$folder/packages.sha256") ||
    refuse "the packages are not those that the plan was made with"

terraform_init
terraform -chdir=infrastructure apply -input=false -lock-timeout=5m "$folder/plan.tfplan"
