# What every run of these tests begins with; a run says what it changes.
environment  = "dev"
region       = "eu-central-1"
repository   = "example-org/gristmill"
branch       = "dev"
alert_emails = ["platform-team@example.com"]
identity     = "dev.example.com"
