# What reaches the queue. Never straight to the function: Lambda's own queue for asynchronous invocations may drop events
# and shows no backlog.

resource "aws_cloudwatch_event_rule" "this" {
  for_each = var.rules

  name           = each.value.name
  description    = each.value.description
  event_bus_name = each.value.bus

  # One of the two.
  event_pattern       = each.value.pattern
  schedule_expression = each.value.schedule
}

resource "aws_cloudwatch_event_target" "this" {
  for_each = var.rules

  rule           = aws_cloudwatch_event_rule.this[each.key].name
  event_bus_name = each.value.bus
  target_id      = var.queue_name
  arn            = aws_sqs_queue.this.arn
  # A schedule has no event to hand over but this.
  input = each.value.input

  # EventBridge drops an event that it could not hand over in this time, unless there is a dead-letter queue.
  # (https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-retry-policy.html)
  retry_policy {
    maximum_event_age_in_seconds = local.day
    maximum_retry_attempts       = 185
  }

  dead_letter_config {
    arn = aws_sqs_queue.dead_letters.arn
  }

  # An event before the queue lets the rule in would be a dead letter, or lost.
  depends_on = [aws_sqs_queue_policy.this, aws_sqs_queue_policy.dead_letters]
}
