# As prod, on the branch uat, without an approval: what goes to prod is tried here first.
environment = "uat"
region      = "eu-central-1"

repository = "example-org/gristmill"
branch     = "uat"

# As in infrastructure/environments/uat.tfvars.
identity     = "uat.example.com"
alert_emails = ["platform-team@example.com"]

approval = false
