# What somebody must look at. A handled bad file raises none of these: it is a verdict, and its owner is told.

locals {
  # Each alarm: what is measured, on what, and when it is too much.
  alarms = {
    errors = {
      description = "${var.function_name} failed. Its log says why; the message comes back by itself, and goes to ${local.dead_name} after ${var.max_receive_count} deliveries."
      namespace   = "AWS/Lambda"
      metric      = "Errors"
      statistic   = "Sum"
      dimensions  = { FunctionName = var.function_name }
      period      = 300
      threshold   = 0
    }
    throttles = {
      description = "Lambda had no room for ${var.function_name}. Look at the account's concurrency and at what is reserved for the function."
      namespace   = "AWS/Lambda"
      metric      = "Throttles"
      statistic   = "Sum"
      dimensions  = { FunctionName = var.function_name }
      period      = 300
      threshold   = 0
    }
    duration = {
      description = "An invocation of ${var.function_name} took more than 80 % of its ${var.sizes.timeout_seconds} s. One that takes longer is ended; raise timeout_seconds, or memory_mb, which comes with more of a processor."
      namespace   = "AWS/Lambda"
      metric      = "Duration"
      statistic   = "Maximum"
      dimensions  = { FunctionName = var.function_name }
      period      = 300
      # In milliseconds.
      threshold = 800 * var.sizes.timeout_seconds
    }
    age = {
      description = "A message has waited in ${var.queue_name} for longer than one delivery can take: it fails again and again, or the function does not keep up."
      namespace   = "AWS/SQS"
      metric      = "ApproximateAgeOfOldestMessage"
      statistic   = "Maximum"
      dimensions  = { QueueName = var.queue_name }
      period      = 300
      # In seconds.
      threshold = local.visibility_timeout_seconds
    }
    dead-letters = {
      description = "There are messages in ${local.dead_name}: work that was given up. They are kept for 14 days. Find the cause in the log of ${var.function_name}, mend it, and send them to ${var.queue_name} again."
      namespace   = "AWS/SQS"
      metric      = "ApproximateNumberOfMessagesVisible"
      statistic   = "Maximum"
      dimensions  = { QueueName = local.dead_name }
      period      = 300
      threshold   = 0
    }
  }
}

resource "aws_cloudwatch_metric_alarm" "this" {
  for_each = local.alarms

  alarm_name          = "${var.function_name}-${each.key}"
  alarm_description   = each.value.description
  namespace           = each.value.namespace
  metric_name         = each.value.metric
  statistic           = each.value.statistic
  dimensions          = each.value.dimensions
  period              = each.value.period
  evaluation_periods  = 1
  comparison_operator = "GreaterThanThreshold"
  threshold           = each.value.threshold
  # No traffic is no trouble; "files in but no report out" watches for the trouble that looks like no traffic.
  treat_missing_data = "notBreaching"
  alarm_actions      = [var.alerts_topic_arn]
  ok_actions         = [var.alerts_topic_arn]
}

# An event that reached neither the queue nor its dead-letter queue is lost. EventBridge counts these, and keeps nothing
# else of them; a wrong key or queue policy shows here and nowhere else.
resource "aws_cloudwatch_metric_alarm" "undelivered" {
  alarm_name          = "${var.function_name}-undelivered"
  alarm_description   = "EventBridge could hand an event neither to ${var.queue_name} nor to ${local.dead_name}. Look at the policies of both and of their key, then replay the archive, or drop the file again."
  evaluation_periods  = 1
  comparison_operator = "GreaterThanThreshold"
  threshold           = 0
  treat_missing_data  = "notBreaching"
  alarm_actions       = [var.alerts_topic_arn]
  ok_actions          = [var.alerts_topic_arn]

  metric_query {
    id          = "undelivered"
    label       = "Events lost on the way to ${var.queue_name}"
    expression  = join(" + ", [for key in sort(keys(var.rules)) : "FILL(${key}, 0)"])
    return_data = true
  }

  dynamic "metric_query" {
    for_each = var.rules

    content {
      id = metric_query.key

      metric {
        namespace   = "AWS/Events"
        metric_name = "InvocationsFailedToBeSentToDlq"
        stat        = "Sum"
        period      = 300
        # Rules of the default bus are told by their name alone.
        # (https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-monitoring.html)
        dimensions = merge(
          { RuleName = metric_query.value.name },
          metric_query.value.bus == "default" ? {} : { EventBusName = metric_query.value.bus },
        )
      }
    }
  }
}
