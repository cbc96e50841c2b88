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

output "rule_names" {
  description = "Names of the rules that feed the queue, by their short names."
  value       = { for key, rule in aws_cloudwatch_event_rule.this : key => rule.name }
}

output "alarm_arns" {
  description = "ARNs of the stage's alarms."
  value       = concat([for alarm in aws_cloudwatch_metric_alarm.this : alarm.arn], [aws_cloudwatch_metric_alarm.undelivered.arn])
}
