resource "aws_cloudwatch_log_group" "this" {
  name              = local.log_group_name
  retention_in_days = var.log_retention_days
  kms_key_id        = var.key_arn
}

resource "aws_lambda_function" "this" {
  #checkov:skip=CKV_AWS_116:The function is invoked by its queue, and that queue has the dead-letter queue. One of the function's own would stay empty.
  #checkov:skip=CKV_AWS_117:The function calls AWS services only. A VPC would add endpoints to pay for and nothing to protect.
  function_name = var.function_name
  description   = var.description
  role          = aws_iam_role.this.arn

  # A Rust binary is its own runtime.
  # (https://docs.aws.amazon.com/lambda/latest/dg/lambda-rust.html)
  runtime       = "provided.al2023"
  handler       = "bootstrap"
  architectures = [var.architecture]

  filename = var.package
  # Absent only where there is no package, which the precondition below tells in plain words.
  source_code_hash = fileexists(var.package) ? filebase64sha256(var.package) : null

  memory_size                    = var.sizes.memory_mb
  timeout                        = var.sizes.timeout_seconds
  reserved_concurrent_executions = var.sizes.reserved_concurrency

  kms_key_arn             = var.key_arn
  code_signing_config_arn = var.code_signing_config_arn

  environment {
    variables = { for name, value in var.environment : name => value if value != "" }
  }

  logging_config {
    log_group  = aws_cloudwatch_log_group.this.name
    log_format = "JSON"
    # The function's own lines, and Lambda's about it.
    application_log_level = "INFO"
    system_log_level      = "INFO"
  }

  tracing_config {
    # A trace goes on where a caller began one; the function begins none, and so needs no permission on "*".
    mode = "PassThrough"
  }

  lifecycle {
    precondition {
      condition     = fileexists(var.package)
      error_message = "There is no package at ${var.package}. Build the functions first (scripts/package.sh), or name their folder in packages_dir."
    }
  }

  # Without these, the first invocation could come before its permissions, and Lambda would make the log group itself:
  # one that keeps everything for ever, unencrypted.
  depends_on = [aws_cloudwatch_log_group.this, aws_iam_role_policy.work, aws_iam_role_policy.key]
}

resource "aws_lambda_event_source_mapping" "this" {
  event_source_arn = aws_sqs_queue.this.arn
  function_name    = aws_lambda_function.this.arn

  # A file a time: two in one invocation would share its time and its memory.
  batch_size = 1
  # What failed is told message by message, and the rest is not repeated.
  function_response_types = ["ReportBatchItemFailures"]

  scaling_config {
    maximum_concurrency = var.sizes.maximum_concurrency
  }
}
