output "function_name" {
  description = "Name of the function."
  value       = aws_lambda_function.this.function_name
}

output "function_arn" {
  description = "ARN of the function."
  value       = aws_lambda_function.this.arn
}

output "role_arn" {
  description = "ARN of the function's role."
  value       = aws_iam_role.this.arn
}

output "queue_url" {
  description = "Address of the queue that feeds the function."
  value       = aws_sqs_queue.this.url
}

output "dead_letter_queue_url" {
  description = "Address of its dead-letter queue."
  value       = aws_sqs_queue.dead_letters.url
}

output "alarm_arns" {
  description = "ARNs of the stage's alarms."
  value       = concat([for alarm in aws_cloudwatch_metric_alarm.this : alarm.arn], [aws_cloudwatch_metric_alarm.undelivered.arn])
}

output "policies" {
  description = "What the function may do, in JSON: its work, and its use of the key. The tests of the stack read them here."
  value = {
    work = aws_iam_role_policy.work.policy
    key  = aws_iam_role_policy.key.policy
  }
}

output "environment" {
  description = "The function's environment variables."
  value       = aws_lambda_function.this.environment[0].variables
}

output "rules" {
  description = "The rules that feed the queue, by their short names: name, bus and pattern."
  value = {
    for key, rule in aws_cloudwatch_event_rule.this : key => {
      name    = rule.name
      bus     = rule.event_bus_name
      pattern = rule.event_pattern
    }
  }
}
