# A stack to try things on: it goes away with `terraform destroy`, files and analyses with it.
environment = "dev"
region      = "eu-central-1"

sender       = "reports@dev.example.com"
identity     = "dev.example.com"
recipients   = ["data-team@example.com"]
alert_emails = ["platform-team@example.com"]

# An inference profile keeps the model within a group of regions. `aws bedrock get-inference-profile` lists those that it
# routes to from here. Where the region offers the model itself, as us-east-1 does, leave `model` out.
# (https://docs.aws.amazon.com/bedrock/latest/userguide/inference-profiles-support.html)
model = {
  id              = "eu.amazon.nova-lite-v1:0"
  profile_regions = ["eu-central-1", "eu-north-1", "eu-west-1", "eu-west-3"]
}

retention_days      = 45
deletion_protection = false
monthly_budget_usd  = 10

# A new account may run 10 invocations at a time and lets none of them be reserved.
# (https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html)
stages = {
  processor = { reserved_concurrency = -1 }
  analyzer  = { reserved_concurrency = -1 }
  notifier  = { reserved_concurrency = -1 }
}
