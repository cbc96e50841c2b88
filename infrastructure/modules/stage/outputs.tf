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
  description = "The rules that feed the queue, by their short names: name, bus, and pattern or schedule with what it sends."
  value = {
    for key, rule in aws_cloudwatch_event_rule.this : key => {
      name     = rule.name
      bus      = rule.event_bus_name
      pattern  = rule.event_pattern
      schedule = rule.schedule_expression
      input    = aws_cloudwatch_event_target.this[key].input
    }
  }
}

output "made_with" {
  description = "What the stage was made with, as its resources have it. The tests of the stack read it here."
  value = {
    boundary            = aws_iam_role.this.permissions_boundary
    signed              = aws_lambda_function.this.code_signing_config_arn
    package             = aws_lambda_function.this.filename
    architecture        = one(aws_lambda_function.this.architectures)
    memory_mb           = aws_lambda_function.this.memory_size
    timeout_seconds     = aws_lambda_function.this.timeout
    reserved            = aws_lambda_function.this.reserved_concurrent_executions
    maximum_concurrency = aws_lambda_event_source_mapping.this.scaling_config[0].maximum_concurrency
    max_receive_count   = var.max_receive_count
    queue               = aws_sqs_queue.this.name
    log_group           = aws_cloudwatch_log_group.this.name
    log_retention_days  = aws_cloudwatch_log_group.this.retention_in_days
    key                 = aws_cloudwatch_log_group.this.kms_key_id
    alarms_tell         = one(aws_cloudwatch_metric_alarm.undelivered.alarm_actions)
  }
}
