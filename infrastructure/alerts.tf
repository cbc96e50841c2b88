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

# A loss that nothing failed at: files were dropped, and the notifier finished nothing. It counts what S3 announced against
# what the last stage did, so it sees a rule that is off, a queue that is not read, and an event that went astray.
resource "aws_cloudwatch_metric_alarm" "no_report" {
  alarm_name          = "${local.prefix}-files-in-but-no-report-out"
  alarm_description   = "Files were dropped into ${local.names.bucket}/input/ in the last six hours, and no report came of any. A file dropped in the last minute before the hour, alone, can raise this once."
  evaluation_periods  = 1
  comparison_operator = "GreaterThanThreshold"
  threshold           = 0
  treat_missing_data  = "notBreaching"
  alarm_actions       = [local.arns.alerts]
  ok_actions          = [local.arns.alerts]

  metric_query {
    # A metric that nothing was counted in has no points at all, so each is filled.
    # (https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html)
    id          = "lost"
    label       = "Files in, and no report out"
    expression  = "IF((FILL(arrivals, 0) > 0) AND (FILL(invocations, 0) - FILL(errors, 0) <= 0), 1, 0)"
    return_data = true
  }

  metric_query {
    id = "arrivals"

    metric {
      namespace   = "AWS/Events"
      metric_name = "TriggeredRules"
      dimensions  = { RuleName = local.names.rules.arrivals }
      stat        = "Sum"
      period      = 6 * 60 * 60
    }
  }

  dynamic "metric_query" {
    for_each = { invocations = "Invocations", errors = "Errors" }

    content {
      id = metric_query.key

      metric {
        namespace   = "AWS/Lambda"
        metric_name = metric_query.value
        dimensions  = { FunctionName = local.names.functions.notifier }
        stat        = "Sum"
        period      = 6 * 60 * 60
      }
    }
  }
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
