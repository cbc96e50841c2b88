# What somebody must look at: six alarms a stage, each told to the topic when it begins and when it ends.

mock_provider "aws" {
  source          = "./tests/mocks"
  override_during = plan

  override_resource {
    target = aws_sqs_queue.this
    values = {
      arn = "arn:aws:sqs:eu-central-1:111122223333:example-weigh"
      id  = "https://sqs.eu-central-1.amazonaws.com/111122223333/example-weigh"
    }
  }

  override_resource {
    target = aws_sqs_queue.dead_letters
    values = {
      arn = "arn:aws:sqs:eu-central-1:111122223333:example-weigh-dead-letters"
      id  = "https://sqs.eu-central-1.amazonaws.com/111122223333/example-weigh-dead-letters"
    }
  }
}

run "whatever_goes_wrong_with_a_stage_is_told" {
  command = plan

  assert {
    condition = {
      for key, alarm in aws_cloudwatch_metric_alarm.this : key =>
      "${alarm.alarm_name}: ${alarm.statistic} of ${alarm.namespace} ${alarm.metric_name} ${jsonencode(alarm.dimensions)} in ${alarm.period} s > ${alarm.threshold}"
      } == {
      errors       = "example-weigher-errors: Sum of AWS/Lambda Errors {\"FunctionName\":\"example-weigher\"} in 300 s > 0"
      throttles    = "example-weigher-throttles: Sum of AWS/Lambda Throttles {\"FunctionName\":\"example-weigher\"} in 300 s > 0"
      duration     = "example-weigher-duration: Maximum of AWS/Lambda Duration {\"FunctionName\":\"example-weigher\"} in 300 s > 32000"
      age          = "example-weigher-age: Maximum of AWS/SQS ApproximateAgeOfOldestMessage {\"QueueName\":\"example-weigh\"} in 300 s > 240"
      dead-letters = "example-weigher-dead-letters: Maximum of AWS/SQS ApproximateNumberOfMessagesVisible {\"QueueName\":\"example-weigh-dead-letters\"} in 300 s > 0"
    }
    error_message = "Not: errors, throttles, 80 % of the timeout, a message older than a delivery can take, dead letters."
  }

  assert {
    condition = alltrue([
      for alarm in concat(values(aws_cloudwatch_metric_alarm.this), [aws_cloudwatch_metric_alarm.undelivered]) :
      alarm.comparison_operator == "GreaterThanThreshold" && alarm.evaluation_periods == 1 && alarm.treat_missing_data == "notBreaching" && alarm.actions_enabled != false
    ])
    error_message = "An alarm waits, or is off, or takes silence for trouble."
  }

  assert {
    condition = alltrue([
      for alarm in concat(values(aws_cloudwatch_metric_alarm.this), [aws_cloudwatch_metric_alarm.undelivered]) :
      alarm.alarm_actions == toset(["arn:aws:sns:eu-central-1:111122223333:example-alerts"]) && alarm.ok_actions == toset(["arn:aws:sns:eu-central-1:111122223333:example-alerts"])
    ])
    error_message = "An alarm tells nobody."
  }

  assert {
    condition = {
      for query in aws_cloudwatch_metric_alarm.undelivered.metric_query : query.id =>
      length(query.metric) == 0 ? "${query.expression}, ${query.return_data}" : "${one(query.metric).stat} of ${one(query.metric).namespace} ${one(query.metric).metric_name} ${jsonencode(one(query.metric).dimensions)} in ${one(query.metric).period} s"
      } == {
      undelivered = "FILL(dropped, 0) + FILL(milled, 0) + FILL(struck, 0), true"
      dropped     = "Sum of AWS/Events InvocationsFailedToBeSentToDlq {\"RuleName\":\"example-dropped\"} in 300 s"
      milled      = "Sum of AWS/Events InvocationsFailedToBeSentToDlq {\"EventBusName\":\"example\",\"RuleName\":\"example-milled\"} in 300 s"
      struck      = "Sum of AWS/Events InvocationsFailedToBeSentToDlq {\"RuleName\":\"example-struck\"} in 300 s"
    }
    error_message = "An event of one of the rules can be lost without an alarm."
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.undelivered.alarm_name == "example-weigher-undelivered" && aws_cloudwatch_metric_alarm.undelivered.threshold == 0
    error_message = "One lost event is not enough for an alarm."
  }

  assert {
    condition     = length(output.alarm_arns) == 6
    error_message = "A stage has six alarms."
  }
}
