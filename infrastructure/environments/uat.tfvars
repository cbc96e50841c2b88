# As prod, with less of everything.
environment = "uat"
region      = "eu-central-1"

sender       = "reports@uat.example.com"
identity     = "uat.example.com"
recipients   = ["data-team@example.com"]
alert_emails = ["platform-team@example.com"]

retention_days     = 90
monthly_budget_usd = 10
