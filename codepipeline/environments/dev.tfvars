# Deploys the branch dev to a stack that people try things on. An example: put your own repository and addresses in.
environment = "dev"
region      = "eu-central-1"

repository = "example-org/gristmill"
branch     = "dev"

# As in infrastructure/environments/dev.tfvars.
identity     = "dev.example.com"
alert_emails = ["platform-team@example.com"]

# Nobody waits for anybody.
approval = false
