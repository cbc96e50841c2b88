# As prod, with less of everything.
environment = "uat"
region      = "eu-central-1"

sender       = "reports@uat.example.com"
identity     = "uat.example.com"
recipients   = ["data-team@example.com"]
alert_emails = ["platform-team@example.com"]

# As in dev.tfvars.
model = {
  id              = "eu.amazon.nova-lite-v1:0"
  profile_regions = ["eu-central-1", "eu-north-1", "eu-west-1", "eu-west-3"]
}

retention_days     = 90
monthly_budget_usd = 10
