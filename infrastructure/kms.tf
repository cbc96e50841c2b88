# One key for what the stack stores outside the bucket: messages, analyses, logs, alarms and the functions' settings.
# The keys that AWS keeps for SQS and SNS cannot be used with EventBridge and CloudWatch: their policies do not let those
# services in, and events and alarms would be lost without a word.
# (https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-key-management.html)

resource "aws_kms_key" "this" {
  description             = "Messages, analyses, logs and settings of ${local.prefix}"
  enable_key_rotation     = true
  deletion_window_in_days = 30

  # In the key's own policy "*" means this key.
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid       = "AccountDecidesByItsOwnPolicies"
        Effect    = "Allow"
        Principal = { AWS = "arn:${local.partition}:iam::${local.account}:root" }
        Action    = "kms:*"
        Resource  = "*"
      },
      {
        # Of this account alone, but of any rule: SNS's page says that a rule's ARN is not there to be compared when EventBridge
        # reaches an encrypted topic, none says that it is with a queue, and a refusal here would lose every event. Which
        # rules may send is in the queues' own policies.
        # (https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html)
        Sid       = "EventsReachEncryptedQueues"
        Effect    = "Allow"
        Principal = { Service = "events.amazonaws.com" }
        Action    = ["kms:Decrypt", "kms:GenerateDataKey"]
        Resource  = "*"
        Condition = {
          StringEquals = { "aws:SourceAccount" = local.account }
        }
      },
      {
        Sid       = "AlarmsAndBudgetsReachTheEncryptedTopic"
        Effect    = "Allow"
        Principal = { Service = ["cloudwatch.amazonaws.com", "budgets.amazonaws.com"] }
        Action    = ["kms:Decrypt", "kms:GenerateDataKey*"]
        Resource  = "*"
        Condition = {
          StringEquals = { "aws:SourceAccount" = local.account }
        }
      },
      {
        Sid       = "LogsAreWrittenEncrypted"
        Effect    = "Allow"
        Principal = { Service = "logs.${var.region}.amazonaws.com" }
        # As CloudWatch Logs asks for them, wildcards and all.
        # (https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html)
        Action   = ["kms:Decrypt*", "kms:Describe*", "kms:Encrypt*", "kms:GenerateDataKey*", "kms:ReEncrypt*"]
        Resource = "*"
        Condition = {
          ArnLike = { "kms:EncryptionContext:aws:logs:arn" = "arn:${local.partition}:logs:${local.at}:log-group:/aws/lambda/${local.prefix}-*" }
        }
      },
    ]
  })
}

resource "aws_kms_alias" "this" {
  name          = local.names.key_alias
  target_key_id = aws_kms_key.this.key_id
}
