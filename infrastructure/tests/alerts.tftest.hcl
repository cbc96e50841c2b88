# Who is told when somebody must look, and what it may cost.

mock_provider "aws" {
  source          = "./tests/mocks"
  override_during = plan
}

run "people_are_told_of_losses_and_of_cost" {
  command = plan

  variables {
    alert_emails = ["on-call@example.com", "lead@example.com"]
  }

  assert {
    condition     = aws_sns_topic.alerts.name == "gristmill-test-alerts" && aws_sns_topic.alerts.kms_master_key_id == aws_kms_key.this.arn
    error_message = "The topic is not encrypted with the stack's key."
  }

  assert {
    condition     = { for address, subscription in aws_sns_topic_subscription.alerts : address => "${subscription.protocol} ${subscription.endpoint}" } == { "on-call@example.com" = "email on-call@example.com", "lead@example.com" = "email lead@example.com" }
    error_message = "Not everybody who is named is told."
  }

  assert {
    condition = jsondecode(aws_sns_topic_policy.alerts.policy) == {
      Version = "2012-10-17"
      Statement = [
        {
          Sid       = "TlsOnly"
          Effect    = "Deny"
          Principal = "*"
          Action    = "sns:Publish"
          Resource  = "arn:aws:sns:eu-central-1:111122223333:gristmill-test-alerts"
          Condition = { Bool = { "aws:SecureTransport" = "false" } }
        },
        {
          Sid       = "OwnAlarmsTell"
          Effect    = "Allow"
          Principal = { Service = "cloudwatch.amazonaws.com" }
          Action    = "sns:Publish"
          Resource  = "arn:aws:sns:eu-central-1:111122223333:gristmill-test-alerts"
          Condition = { ArnLike = { "aws:SourceArn" = "arn:aws:cloudwatch:eu-central-1:111122223333:alarm:gristmill-test-*" } }
        },
        {
          Sid       = "OwnBudgetTells"
          Effect    = "Allow"
          Principal = { Service = "budgets.amazonaws.com" }
          Action    = "sns:Publish"
          Resource  = "arn:aws:sns:eu-central-1:111122223333:gristmill-test-alerts"
          Condition = {
            StringEquals = { "aws:SourceAccount" = "111122223333" }
            ArnLike      = { "aws:SourceArn" = "arn:aws:budgets::111122223333:*" }
          }
        },
      ]
    }
    error_message = "Others than the stack's alarms and the account's budgets may publish to the topic, or these may not."
  }

  assert {
    condition = alltrue([
      aws_cloudwatch_metric_alarm.no_report.alarm_name == "gristmill-test-files-in-but-no-report-out",
      aws_cloudwatch_metric_alarm.no_report.comparison_operator == "GreaterThanThreshold",
      aws_cloudwatch_metric_alarm.no_report.threshold == 0,
      aws_cloudwatch_metric_alarm.no_report.evaluation_periods == 12,
      aws_cloudwatch_metric_alarm.no_report.datapoints_to_alarm == 11,
      aws_cloudwatch_metric_alarm.no_report.treat_missing_data == "ignore",
      aws_cloudwatch_metric_alarm.no_report.actions_enabled != false,
      aws_cloudwatch_metric_alarm.no_report.alarm_actions == toset(["arn:aws:sns:eu-central-1:111122223333:gristmill-test-alerts"]),
      aws_cloudwatch_metric_alarm.no_report.ok_actions == toset(["arn:aws:sns:eu-central-1:111122223333:gristmill-test-alerts"]),
    ])
    error_message = "Files that came in and left no report raise no alarm."
  }

  assert {
    condition = { for query in aws_cloudwatch_metric_alarm.no_report.metric_query : query.id => "${query.expression}, ${query.return_data}" if length(query.metric) == 0 } == {
      finished = "FILL(invocations, 0) - FILL(errors, 0) - FILL(feedback, 0) - FILL(trouble, 0), false"
      waiting  = "IF(FILL(arrivals, 0) > 0 OR finished > 0, finished <= 0), false"
      lost     = "FILL(waiting, REPEAT), true"
    }
    error_message = "Not: files arrived, and the notifier finished nothing since."
  }

  assert {
    condition = {
      for query in aws_cloudwatch_metric_alarm.no_report.metric_query : query.id =>
      "${one(query.metric).stat} of ${one(query.metric).namespace} ${one(query.metric).metric_name} in ${one(query.metric).period} s, ${jsonencode(one(query.metric).dimensions)}"
      if length(query.metric) > 0
      } == {
      arrivals    = "Sum of AWS/Events TriggeredRules in 900 s, {\"RuleName\":\"gristmill-test-arrivals\"}"
      invocations = "Sum of AWS/Lambda Invocations in 900 s, {\"FunctionName\":\"gristmill-test-notifier\"}"
      errors      = "Sum of AWS/Lambda Errors in 900 s, {\"FunctionName\":\"gristmill-test-notifier\"}"
      feedback    = "Sum of AWS/Events TriggeredRules in 900 s, {\"RuleName\":\"gristmill-test-mail-feedback\"}"
      trouble     = "Sum of AWS/Events TriggeredRules in 900 s, {\"RuleName\":\"gristmill-test-mail-trouble\"}"
    }
    error_message = "What came in and what went out is counted elsewhere, or over another time."
  }

  # Each is heard of by a rule of its own, so that nothing else is counted.
  assert {
    condition = {
      for key, alarm in aws_cloudwatch_metric_alarm.heard : key =>
      "${alarm.alarm_name}: ${alarm.statistic} of ${alarm.namespace} ${alarm.metric_name} ${jsonencode(alarm.dimensions)} in ${alarm.period} s > ${alarm.threshold}"
      } == {
      files-overlooked = "gristmill-test-files-overlooked: Sum of AWS/Events TriggeredRules {\"EventBusName\":\"gristmill-test\",\"RuleName\":\"gristmill-test-file-overlooked\"} in 300 s > 0"
      mail-trouble     = "gristmill-test-mail-trouble: Sum of AWS/Events TriggeredRules {\"RuleName\":\"gristmill-test-mail-trouble\"} in 300 s > 0"
    }
    error_message = "A file that was overlooked, or a mail that did not arrive, raises no alarm, or something else raises it."
  }

  assert {
    condition = alltrue([
      for alarm in values(aws_cloudwatch_metric_alarm.heard) : alltrue([
        alarm.comparison_operator == "GreaterThanThreshold",
        alarm.evaluation_periods == 1,
        alarm.treat_missing_data == "notBreaching",
        alarm.actions_enabled != false,
        alarm.alarm_actions == toset(["arn:aws:sns:eu-central-1:111122223333:gristmill-test-alerts"]),
        alarm.ok_actions == toset(["arn:aws:sns:eu-central-1:111122223333:gristmill-test-alerts"]),
        # As long as CloudWatch takes (PutMetricAlarm).
        length(alarm.alarm_description) <= 1024,
      ])
    ])
    error_message = "An alarm waits, is off, tells nobody, or takes silence for trouble."
  }

  assert {
    condition = (
      aws_budgets_budget.monthly[0].name == "gristmill-test" &&
      aws_budgets_budget.monthly[0].limit_amount == "25" &&
      aws_budgets_budget.monthly[0].limit_unit == "USD" &&
      aws_budgets_budget.monthly[0].time_unit == "MONTHLY" &&
      length(aws_budgets_budget.monthly[0].cost_filter) == 0
    )
    error_message = "By default the budget is 25 USD a month of the whole account."
  }

  assert {
    condition = {
      for notification in aws_budgets_budget.monthly[0].notification :
      notification.notification_type => "${notification.comparison_operator} ${notification.threshold} ${notification.threshold_type} ${join(" ", notification.subscriber_sns_topic_arns)}"
      } == {
      ACTUAL     = "GREATER_THAN 80 PERCENTAGE arn:aws:sns:eu-central-1:111122223333:gristmill-test-alerts"
      FORECASTED = "GREATER_THAN 100 PERCENTAGE arn:aws:sns:eu-central-1:111122223333:gristmill-test-alerts"
    }
    error_message = "The alerts are not told at 80 % of the budget, and when more than all of it is forecast."
  }

  # What a person opens first shows each stage, each queue and each dead-letter queue.
  assert {
    condition = alltrue([
      for name in concat(
        ["gristmill-test-arrivals", "gristmill-test-analysis-complete", "gristmill-test-file-rejected", "gristmill-test-file-overlooked", "gristmill-test-mail-trouble"],
        ["gristmill-test-processor", "gristmill-test-analyzer", "gristmill-test-notifier"],
        ["gristmill-test-process", "gristmill-test-analyze", "gristmill-test-notify"],
        ["gristmill-test-process-dead-letters", "gristmill-test-analyze-dead-letters", "gristmill-test-notify-dead-letters"],
      ) :
      contains(flatten([for widget in jsondecode(aws_cloudwatch_dashboard.this.dashboard_body).widgets : [for metric in widget.properties.metrics : [for part in metric : part if can(regex("", part))]]]), name)
    ])
    error_message = "The dashboard leaves out a stage, a queue or a rule."
  }

  assert {
    condition     = alltrue([for widget in jsondecode(aws_cloudwatch_dashboard.this.dashboard_body).widgets : widget.properties.region == "eu-central-1"])
    error_message = "The dashboard shows another region."
  }
}

run "a_budget_can_be_of_the_stack_alone" {
  command = plan

  variables {
    monthly_budget_usd = 12.5
    budget_scope       = "stack"
  }

  assert {
    # The tag is one that a user gave: "user:", its key, "$", its value.
    condition     = [for filter in aws_budgets_budget.monthly[0].cost_filter : "${filter.name} ${join(" ", filter.values)}"] == ["TagKeyValue user:stack$gristmill-test"] && aws_budgets_budget.monthly[0].limit_amount == "12.5"
    error_message = "The budget does not count what is tagged with the stack's name."
  }
}

run "no_budget_where_none_is_wanted" {
  command = plan

  variables {
    monthly_budget_usd = 0
  }

  assert {
    condition     = length(aws_budgets_budget.monthly) == 0 && length(aws_sns_topic_subscription.alerts) == 0
    error_message = "There is a budget that nobody asked for, or somebody is told without being named."
  }
}
