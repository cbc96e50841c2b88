#!/usr/bin/env bash
# Plans the stack, and changes nothing.
#
#   GRISTMILL_ENVIRONMENT=dev GRISTMILL_STATE_BUCKET=… AWS_REGION=… bash scripts/deploy/plan.sh
#
# Writes to target/plan: plan.tfplan (what apply.sh applies), plan.txt (the same for people), summary.txt (one line of it) and
# packages.sha256 (the packages that the plan speaks of). A plan without changes is a plan, too.
#
#   GRISTMILL_NAME                  first part of all names; gristmill
#   GRISTMILL_STATE_KEY             the state's key; <name>/<environment>/terraform.tfstate
#   GRISTMILL_PACKAGES              the build's folder with target/lambda/; else what lies in target/lambda is taken
#   GRISTMILL_PERMISSIONS_BOUNDARY  ARN of the boundary of the functions' roles
#   GRISTMILL_TERRAFORM_PLUGINS     folder of Terraform's providers, where there is no registry
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

# shellcheck source=scripts/deploy/stack.sh
. scripts/deploy/stack.sh

settings="infrastructure/environments/$GRISTMILL_ENVIRONMENT.tfvars"
[ -f "$settings" ] || refuse "there is no $settings"

take_packages
rm -rf target/plan
mkdir -p target/plan
plan="$PWD/target/plan"
(cd target/lambda && sha256sum -- */bootstrap.zip) >"$plan/packages.sha256"

terraform_init
terraform -chdir=infrastructure validate

arguments=(
    -input=false
    # Another run, or a person, may hold the state for a moment.
    -lock-timeout=5m
    -out="$plan/plan.tfplan"
    -var-file="environments/$GRISTMILL_ENVIRONMENT.tfvars"
    # After the file, so that a stack cannot get another name than its pipeline's roles may touch.
    -var="name=$GRISTMILL_NAME"
    -var="environment=$GRISTMILL_ENVIRONMENT"
    -var="region=$GRISTMILL_REGION"
)
if [ -n "${GRISTMILL_PERMISSIONS_BOUNDARY:-}" ]; then
    arguments+=(-var="permissions_boundary_arn=$GRISTMILL_PERMISSIONS_BOUNDARY")
fi
terraform -chdir=infrastructure plan "${arguments[@]}"

terraform -chdir=infrastructure show -no-color "$plan/plan.tfplan" >"$plan/plan.txt"
# What goes away is named: it is what an approval is for.
terraform -chdir=infrastructure show -json "$plan/plan.tfplan" | python3 -c '
import json, sys

changes = json.load(sys.stdin).get("resource_changes", [])
does = lambda action: [change["address"] for change in changes if action in change["change"]["actions"]]
create, update, delete = does("create"), does("update"), does("delete")
line = f"{len(create)} to add, {len(update)} to change, {len(delete)} to destroy."
if delete:
    line += " Destroyed or replaced: " + ", ".join(delete) + "."
# CodePipeline takes 1000 characters for the whole text.
print(line if len(line) <= 600 else line[:599] + "…")
' >"$plan/summary.txt"
cat "$plan/summary.txt"
