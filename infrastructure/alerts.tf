# Whom alarms tell, and the alarms that no stage can raise by itself.

resource "aws_sns_topic" "alerts" {
  name              = local.names.alerts
  kms_master_key_id = aws_kms_key.this.arn
}

resource "aws_sns_topic_policy" "alerts" {
  arn = aws_sns_topic.alerts.arn

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid       = "TlsOnly"
        Effect    = "Deny"
        Principal = "*"
        Action    = "sns:Publish"
        Resource  = local.arns.alerts
        Condition = { Bool = { "aws:SecureTransport" = "false" } }
      },
      {
        Sid       = "OwnAlarmsTell"
        Effect    = "Allow"
        Principal = { Service = "cloudwatch.amazonaws.com" }
        Action    = "sns:Publish"
        Resource  = local.arns.alerts
        Condition = { ArnLike = { "aws:SourceArn" = "arn:${local.partition}:cloudwatch:${local.at}:alarm:${local.prefix}-*" } }
      },
      {
        # (https://docs.aws.amazon.com/cost-management/latest/userguide/budgets-sns-policy.html)
        Sid       = "OwnBudgetTells"
        Effect    = "Allow"
        Principal = { Service = "budgets.amazonaws.com" }
        Action    = "sns:Publish"
        Resource  = local.arns.alerts
        Condition = {
          StringEquals = { "aws:SourceAccount" = local.account }
          ArnLike      = { "aws:SourceArn" = "arn:${local.partition}:budgets::${local.account}:*" }
        }
      },
    ]
  })
}

resource "aws_sns_topic_subscription" "alerts" {
  for_each = toset(var.alert_emails)

  topic_arn = aws_sns_topic.alerts.arn
  protocol  = "email"
  endpoint  = each.value
}

# A loss that nothing failed at: files were dropped, and the notifier finished nothing after it. It counts what the first rule
# took up against what the last stage did, so it sees a later rule that is off, a queue that is not read, and an event that
# went astray. SES's word on a mail reaches the notifier too, days later at times, and finishes nothing.
resource "aws_cloudwatch_metric_alarm" "no_report" {
  alarm_name          = "${local.prefix}-files-in-but-no-report-out"
  alarm_description   = "Files were dropped into ${local.names.bucket}/input/, and for almost three hours no report came of any. Follow one through the logs of the three functions, and look at their queues and rules. A file that was deleted before it was read leaves no report either."
  comparison_operator = "GreaterThanThreshold"
  threshold           = 0
  # A window slides on with each minute, and a file is always there before its report: one point must not be enough.
  # (https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-evaluation-window.html)
  evaluation_periods  = 12
  datapoints_to_alarm = 11
  # Silence changes nothing: what was lost stays lost until a report comes again.
  treat_missing_data = "ignore"
  alarm_actions      = [local.arns.alerts]
  ok_actions         = [local.arns.alerts]

  # A metric that nothing was counted in has no points, so each is filled before it is compared. What was the case last,
  # is the case until something happens.
  # (https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html)
  dynamic "metric_query" {
    for_each = {
      finished = { label = "Finished by the notifier", expression = "FILL(invocations, 0) - FILL(errors, 0) - FILL(feedback, 0) - FILL(trouble, 0)" }
      waiting  = { label = "1: files came and nothing was finished, 0: something was finished", expression = "IF(FILL(arrivals, 0) > 0 OR finished > 0, finished <= 0)" }
      lost     = { label = "Files in, and no report out", expression = "FILL(waiting, REPEAT)" }
    }

    content {
      id          = metric_query.key
      label       = metric_query.value.label
      expression  = metric_query.value.expression
      return_data = metric_query.key == "lost"
    }
  }

  dynamic "metric_query" {
    for_each = {
      arrivals    = { namespace = "AWS/Events", name = "TriggeredRules", dimensions = { RuleName = local.names.rules.arrivals } }
      invocations = { namespace = "AWS/Lambda", name = "Invocations", dimensions = { FunctionName = local.names.functions.notifier } }
      errors      = { namespace = "AWS/Lambda", name = "Errors", dimensions = { FunctionName = local.names.functions.notifier } }
      feedback    = { namespace = "AWS/Events", name = "TriggeredRules", dimensions = { RuleName = local.names.rules.mail_feedback } }
      trouble     = { namespace = "AWS/Events", name = "TriggeredRules", dimensions = { RuleName = local.names.rules.mail_trouble } }
    }

    content {
      id = metric_query.key

      metric {
        namespace   = metric_query.value.namespace
        metric_name = metric_query.value.name
        dimensions  = metric_query.value.dimensions
        stat        = "Sum"
        period      = 15 * 60
      }
    }
  }
}

# Counted by the rules that hear of it, so nothing else has to publish a figure.
locals {
  heard = {
    files-overlooked = {
      description = "Files lay in ${local.names.bucket}/input/ for 15 minutes or longer and had no run. The sweep has put them into ${local.names.queues.processor} again, and goes on to do so when they are 30 minutes old, an hour, two hours and so on. If the alarm ends and stays off, they are done. If it comes back: is the rule ${local.names.rules.arrivals} on, and does the bucket send its events to EventBridge? Is there a backlog in ${local.names.queues.processor}, or a message in its dead-letter queue? The log of ${local.names.functions.processor} says what becomes of each file."
      dimensions  = { EventBusName = local.names.bus, RuleName = local.names.rules.file_overlooked }
    }
    mail-trouble = {
      description = "SES could not deliver a report, or its recipient took it for spam: somebody who should have got a report did not, or does not want it. The log of ${local.names.functions.notifier} names the run. Correct the address in the contract's routing, or in the variable recipients. SES sends nothing more to an address that bounced or complained until it is taken off the account's suppression list."
      dimensions  = { RuleName = local.names.rules.mail_trouble }
    }
  }
}

resource "aws_cloudwatch_metric_alarm" "heard" {
  for_each = local.heard

  alarm_name        = "${local.prefix}-${each.key}"
  alarm_description = each.value.description
  namespace         = "AWS/Events"
  # (https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-monitoring.html)
  metric_name         = "TriggeredRules"
  dimensions          = each.value.dimensions
  statistic           = "Sum"
  period              = 300
  evaluation_periods  = 1
  comparison_operator = "GreaterThanThreshold"
  threshold           = 0
  # A rule that heard nothing counts nothing.
  treat_missing_data = "notBreaching"
  alarm_actions      = [local.arns.alerts]
  ok_actions         = [local.arns.alerts]
}

resource "aws_budgets_budget" "monthly" {
  count = var.monthly_budget_usd > 0 ? 1 : 0

  name         = local.names.budget
  budget_type  = "COST"
  limit_amount = tostring(var.monthly_budget_usd)
  limit_unit   = "USD"
  time_unit    = "MONTHLY"

  dynamic "cost_filter" {
    for_each = var.budget_scope == "stack" ? [format("user:stack$%s", local.prefix)] : []

    content {
      name   = "TagKeyValue"
      values = [cost_filter.value]
    }
  }

  dynamic "notification" {
    # Spent already, and what the month will come to at this rate.
    for_each = { ACTUAL = 80, FORECASTED = 100 }

    content {
      comparison_operator       = "GREATER_THAN"
      notification_type         = notification.key
      threshold                 = notification.value
      threshold_type            = "PERCENTAGE"
      subscriber_sns_topic_arns = [aws_sns_topic.alerts.arn]
    }
  }

  # Budgets tries the topic when it is told of it.
  depends_on = [aws_sns_topic_policy.alerts]
}
