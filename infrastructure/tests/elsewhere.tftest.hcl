# Nothing is of one account, one region or one partition, and no name grows beyond what AWS takes.

mock_provider "aws" {
  source          = "./tests/mocks"
  override_during = plan

  override_data {
    target = data.aws_caller_identity.current
    values = { account_id = "444455556666" }
  }

  override_data {
    target = data.aws_partition.current
    values = { partition = "aws-us-gov" }
  }

  override_resource {
    target = aws_kms_key.this
    values = { arn = "arn:aws-us-gov:kms:us-gov-west-1:444455556666:key/00000000-0000-0000-0000-000000000000", key_id = "00000000-0000-0000-0000-000000000000" }
  }

  override_resource {
    target = aws_cloudwatch_event_bus.this
    values = { arn = "arn:aws-us-gov:events:us-gov-west-1:444455556666:event-bus/some-bus" }
  }

  override_resource {
    target = aws_sns_topic.alerts
    values = { arn = "arn:aws-us-gov:sns:us-gov-west-1:444455556666:some-topic" }
  }
}

variables {
  # As long as both may be.
  name        = "twenty-letters-long0"
  environment = "tenletters"
  region      = "us-gov-west-1"
}

run "another_account_in_another_partition" {
  command = plan

  assert {
    condition = alltrue([
      for text in [
        module.processor.policies.work, module.processor.policies.key,
        module.analyzer.policies.work, module.analyzer.policies.key,
        module.notifier.policies.work, module.notifier.policies.key,
        module.processor.rules.arrivals.pattern, module.processor.rules.sweep.input, module.notifier.rules.mail_feedback.pattern, module.notifier.rules.mail_trouble.pattern,
        jsonencode(aws_cloudwatch_metric_alarm.heard["files-overlooked"].dimensions),
        aws_s3_bucket_policy.this[0].policy, aws_cloudwatch_event_bus_policy.this.policy, aws_kms_key.this.policy, aws_sns_topic_policy.alerts.policy,
        aws_cloudwatch_dashboard.this.dashboard_body,
        aws_sesv2_configuration_set_event_destination.feedback.event_destination[0].event_bridge_destination[0].event_bus_arn,
        jsonencode([module.processor.environment, module.analyzer.environment, module.notifier.environment]),
      ] : !can(regex("arn:aws:|eu-central-1|111122223333|gristmill-test", text))
    ])
    error_message = "A policy, a pattern or a setting is of one account, one region or one partition."
  }

  assert {
    condition = alltrue([
      for text in [
        module.processor.policies.work, module.analyzer.policies.work, module.notifier.policies.work,
        aws_cloudwatch_event_bus_policy.this.policy, aws_sns_topic_policy.alerts.policy,
      ] : strcontains(text, "us-gov-west-1:444455556666:") && strcontains(text, "twenty-letters-long0-tenletters")
    ])
    error_message = "A policy is not of the account, the region and the stack that are asked for."
  }

  # The limits of S3 (with the longest of the regions), IAM and Lambda, EventBridge (rules and archives), SQS, SES, Budgets.
  assert {
    condition = (
      length(aws_s3_bucket.this[0].bucket) - length(var.region) + length("ap-northeast-1") <= 63 &&
      alltrue([for name in values(output.functions) : length(name) <= 64]) &&
      alltrue([for rule in values(merge(module.processor.rules, module.analyzer.rules, module.notifier.rules)) : length(rule.name) <= 64]) &&
      length(aws_cloudwatch_event_archive.this.name) <= 48 &&
      alltrue([for name in ["process", "analyze", "notify"] : length("twenty-letters-long0-tenletters-${name}-dead-letters") <= 80]) &&
      length(aws_sesv2_configuration_set.this.configuration_set_name) <= 64 &&
      length(aws_budgets_budget.monthly[0].name) <= 100
    )
    error_message = "The longest name and environment make a name that AWS does not take."
  }
}
