environment = "prod"
region      = "eu-central-1"

sender       = "reports@example.com"
identity     = "example.com"
recipients   = ["data-team@example.com"]
alert_emails = ["on-call@example.com"]

# As in dev.tfvars.
model = {
  id              = "eu.amazon.nova-lite-v1:0"
  profile_regions = ["eu-central-1", "eu-north-1", "eu-west-1", "eu-west-3"]
}

monthly_budget_usd = 25
