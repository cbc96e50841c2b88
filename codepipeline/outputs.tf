output "pipeline" {
  description = "Name of the pipeline."
  value       = aws_codepipeline.this.name
}

output "connection" {
  description = "ARN of the connection to the repository. It waits (\"pending\") until a person completes it in the console."
  value       = aws_codeconnections_connection.this.arn
}

output "boundary" {
  description = "ARN of the permission boundary of the stack's roles: permissions_boundary_arn of infrastructure/."
  value       = aws_iam_policy.boundary.arn
}

output "alerts_topic" {
  description = "ARN of the topic that asks for approvals and tells of failures."
  value       = aws_sns_topic.alerts.arn
}

output "log_groups" {
  description = "Names of the log groups by step."
  value       = { for step, group in aws_cloudwatch_log_group.step : step => group.name }
}

output "backend" {
  description = "Settings of the S3 backend for this root, as a file for `terraform init -backend-config=`."
  value       = local.backends.pipeline
}

output "stack_backend" {
  description = "Settings of the S3 backend for infrastructure/, as a file for `terraform init -backend-config=`."
  value       = local.backends.stack
}

locals {
  # No `encrypt`: the bucket encrypts with its key by itself, and with that setting Terraform would ask for another one.
  backends = {
    for which, key in local.state_keys : which => <<-EOT
      bucket       = "${aws_s3_bucket.state.id}"
      key          = "${key}"
      region       = "${var.region}"
      use_lockfile = true
    EOT
  }
}
