# The queue in front of the function, and the one for what could not be done.

locals {
  # A message must stay hidden while Lambda retries a throttled invocation of it.
  # (https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html: at least six times the timeout)
  visibility_timeout_seconds = 6 * var.sizes.timeout_seconds

  day = 24 * 60 * 60

  # Whoever sends, sends over TLS.
  tls_only = {
    Sid       = "TlsOnly"
    Effect    = "Deny"
    Principal = "*"
    Action    = "sqs:*"
    Condition = { Bool = { "aws:SecureTransport" = "false" } }
  }

  from_own_rules = {
    Sid       = "OnlyTheStagesRulesSend"
    Effect    = "Allow"
    Principal = { Service = "events.amazonaws.com" }
    Action    = "sqs:SendMessage"
    Condition = { ArnEquals = { "aws:SourceArn" = local.rule_arns } }
  }
}

resource "aws_sqs_queue" "this" {
  name                       = var.queue_name
  visibility_timeout_seconds = local.visibility_timeout_seconds
  message_retention_seconds  = 4 * local.day
  kms_master_key_id          = var.key_arn
  # A data key is asked for once an hour, and not every five minutes: each request to KMS costs.
  kms_data_key_reuse_period_seconds = 60 * 60

  redrive_policy = jsonencode({
    deadLetterTargetArn = local.dead_arn
    maxReceiveCount     = var.max_receive_count
  })

  # The ARN is made of names, so that a plan shows where messages are given up; SQS asks for the queue to be there.
  depends_on = [aws_sqs_queue.dead_letters]
}

# What failed too often, and what a rule could not hand over. Both are the event itself, so both can be sent to the queue
# again as they are.
resource "aws_sqs_queue" "dead_letters" {
  name = local.dead_name
  # The longest that SQS knows: longer than the queue's own, since the clock runs from the first sending on.
  message_retention_seconds         = 14 * local.day
  kms_master_key_id                 = var.key_arn
  kms_data_key_reuse_period_seconds = 60 * 60
}

resource "aws_sqs_queue_redrive_allow_policy" "dead_letters" {
  queue_url = aws_sqs_queue.dead_letters.id

  redrive_allow_policy = jsonencode({
    redrivePermission = "byQueue"
    sourceQueueArns   = [local.queue_arn]
  })
}

resource "aws_sqs_queue_policy" "this" {
  queue_url = aws_sqs_queue.this.id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      merge(local.tls_only, { Resource = local.queue_arn }),
      merge(local.from_own_rules, { Resource = local.queue_arn }),
    ]
  })
}

resource "aws_sqs_queue_policy" "dead_letters" {
  queue_url = aws_sqs_queue.dead_letters.id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      merge(local.tls_only, { Resource = local.dead_arn }),
      merge(local.from_own_rules, { Resource = local.dead_arn }),
    ]
  })
}
