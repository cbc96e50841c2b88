environment = "prod"
region      = "eu-central-1"

repository = "example-org/gristmill"
branch     = "main"

# As in infrastructure/environments/prod.tfvars.
identity     = "example.com"
alert_emails = ["on-call@example.com"]

# A person sees what a plan would change before it does.
approval = true
