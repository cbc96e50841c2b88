output "bucket" {
  description = "Bucket that files are dropped into, under input/<dataset>/."
  value       = local.names.bucket
}

output "bus" {
  description = "Name of the pipeline's bus."
  value       = aws_cloudwatch_event_bus.this.name
}

output "archive" {
  description = "Name of the bus's archive, for a replay."
  value       = aws_cloudwatch_event_archive.this.name
}

output "table" {
  description = "Name of the table of analyses."
  value       = aws_dynamodb_table.analyses.name
}

output "functions" {
  description = "Names of the functions by stage."
  value       = local.functions
}

output "queues" {
  description = "Addresses of the queues by stage."
  value       = { for stage, module in local.modules : stage => module.queue_url }
}

output "dead_letter_queues" {
  description = "Addresses of the dead-letter queues by stage."
  value       = { for stage, module in local.modules : stage => module.dead_letter_queue_url }
}

output "log_groups" {
  description = "Names of the functions' log groups by stage."
  value       = { for stage, name in local.functions : stage => "/aws/lambda/${name}" }
}

output "alerts_topic" {
  description = "ARN of the topic that alarms and the budget tell."
  value       = aws_sns_topic.alerts.arn
}

output "configuration_set" {
  description = "Name of the SES configuration set."
  value       = aws_sesv2_configuration_set.this.configuration_set_name
}

output "dkim_records" {
  description = "CNAME records that prove to SES that the domain is yours, name to value. Empty for an address, which SES writes to instead, and for an identity that was there before."
  value = {
    for token in try(aws_sesv2_email_identity.this[0].dkim_signing_attributes[0].tokens, []) :
    "${token}._domainkey.${var.identity}" => "${token}.dkim.amazonses.com"
  }
}

output "dashboard" {
  description = "Name of the CloudWatch dashboard."
  value       = aws_cloudwatch_dashboard.this.dashboard_name
}

output "smoke_test" {
  description = "Where the test of a deploy drops its file, and the index that shows what became of it."
  value = {
    dataset = "smoke_test"
    prefix  = "input/smoke_test/"
    index   = "by-dataset"
  }
}

output "operator_policy" {
  description = "Policy for those who look after the stack with the gristmill command, for a role or a permission set of theirs."
  value       = jsonencode(local.operator_policy)
}

locals {
  modules = {
    processor = module.processor
    analyzer  = module.analyzer
    notifier  = module.notifier
  }
  functions = { for stage, module in local.modules : stage => module.function_name }
}
