environment = "prod"
region      = "eu-central-1"

sender       = "reports@example.com"
identity     = "example.com"
recipients   = ["data-team@example.com"]
alert_emails = ["on-call@example.com"]

monthly_budget_usd = 25
